// The C library's allocator with a counter before it. A definition in the executable comes before the
// library's for everybody, shared libraries too; memory is the C library's own, so `free` stays its.
// While nothing counts, an allocation costs one load and one branch more.
#include "CProcess.h"
#include <errno.h>
#include <stdlib.h>

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
static uint64_t calls, bytes;

static inline void record(size_t size) {
  if (__builtin_expect(__atomic_load_n(&counting, __ATOMIC_RELAXED), 0)) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&bytes, size, __ATOMIC_RELAXED);
  }
}

void *malloc(size_t size) {
  record(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  record(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  record(size);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  record(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  record(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  record(size);
  int before = errno;
  void *memory = __libc_memalign(alignment, size);
  errno = before;
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

int pc_counts_allocations(void) { return 1; }

void pc_start_counting_allocations(void) {
  __atomic_store_n(&calls, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&bytes, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&counting, 1, __ATOMIC_SEQ_CST);
}

pc_allocations pc_stop_counting_allocations(void) {
  __atomic_store_n(&counting, 0, __ATOMIC_SEQ_CST);
  pc_allocations counted = {__atomic_load_n(&calls, __ATOMIC_RELAXED),
                            __atomic_load_n(&bytes, __ATOMIC_RELAXED)};
  return counted;
}

#else

int pc_counts_allocations(void) { return 0; }
void pc_start_counting_allocations(void) {}
pc_allocations pc_stop_counting_allocations(void) { return (pc_allocations){0, 0}; }

#endif

void pc_allocate(uint64_t size) {
  void *memory = malloc(size);
  __asm__ volatile("" : : "r"(memory) : "memory");
  free(memory);
}
