// The C library's allocator with a counter before it. A definition in the executable comes before the
// library's for everybody, shared libraries too; memory is the C library's own, so `free` stays its.
// While nothing counts, an allocation costs one load and one branch more.
#define _GNU_SOURCE
#include "CProcess.h"
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define PC_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(PC_SANITIZED)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int counting;
static pc_allocations counted;

/// Where the code of the libraries lies whose allocations are told apart.
#define PC_LIBRARIES 4
static const char *const library_names[PC_LIBRARIES] = {"libdnnl.so", "libopenblas",
                                                         "libgomp.so", "libomp.so"};
static struct {
  uintptr_t start, end;
} library_code[PC_LIBRARIES];

static int find_library(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  for (int i = 0; i < PC_LIBRARIES; i++) {
    if (strstr(info->dlpi_name, library_names[i]) == NULL) continue;
    for (int j = 0; j < info->dlpi_phnum; j++) {
      if (info->dlpi_phdr[j].p_type != PT_LOAD || !(info->dlpi_phdr[j].p_flags & PF_X)) continue;
      library_code[i].start = info->dlpi_addr + info->dlpi_phdr[j].p_vaddr;
      library_code[i].end = library_code[i].start + info->dlpi_phdr[j].p_memsz;
    }
  }
  return 0;
}

static void add(size_t size, uintptr_t caller) {
  int is_library = 0;
  for (int i = 0; i < PC_LIBRARIES; i++)
    is_library |= caller >= library_code[i].start && caller < library_code[i].end;
  __atomic_fetch_add(is_library ? &counted.library_calls : &counted.calls, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(is_library ? &counted.library_bytes : &counted.bytes, size, __ATOMIC_RELAXED);
}

/// To stand in the definitions below themselves: it looks at who called them.
#define PC_RECORD(size)                                                  \
  if (__builtin_expect(__atomic_load_n(&counting, __ATOMIC_RELAXED), 0)) \
  add(size, (uintptr_t)__builtin_return_address(0))

void *malloc(size_t size) {
  PC_RECORD(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  PC_RECORD(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  PC_RECORD(size);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  PC_RECORD(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  PC_RECORD(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  PC_RECORD(size);
  int before = errno;
  void *memory = __libc_memalign(alignment, size);
  errno = before;
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

int pc_counts_allocations(void) { return 1; }

void pc_start_counting_allocations(void) {
  dl_iterate_phdr(find_library, NULL);
  counted = (pc_allocations){0};
  __atomic_store_n(&counting, 1, __ATOMIC_SEQ_CST);
}

pc_allocations pc_stop_counting_allocations(void) {
  __atomic_store_n(&counting, 0, __ATOMIC_SEQ_CST);
  return counted;
}

#else

int pc_counts_allocations(void) { return 0; }
void pc_start_counting_allocations(void) {}
pc_allocations pc_stop_counting_allocations(void) { return (pc_allocations){0}; }

#endif

void pc_allocate(uint64_t size) {
  void *memory = malloc(size);
  __asm__ volatile("" : : "r"(memory) : "memory");
  free(memory);
}
