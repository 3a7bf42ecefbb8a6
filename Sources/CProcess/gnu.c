#define _GNU_SOURCE
#include "CProcess.h"
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#include <malloc.h>
#endif

int pc_open_direct(const char *path) {
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_DIRECT, 0600);
}

int pc_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

void pc_trim_heap(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

int pc_affinity_count(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

const char *pc_libc_version(void) {
#if defined(__GLIBC__)
  return gnu_get_libc_version();
#else
  return "";
#endif
}
