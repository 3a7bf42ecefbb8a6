#include "CKernels.h"

static _Atomic int chosen = -1;

/// What the processor and the operating system allow.
static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

int ck_isa(void) {
  int isa = __atomic_load_n((int *)&chosen, __ATOMIC_RELAXED);
  if (isa >= 0) return isa;
  isa = detect();
  __atomic_store_n((int *)&chosen, isa, __ATOMIC_RELAXED);
  return isa;
}

int ck_force_isa(int isa) {
  int best = detect();
  int got = isa < 0 || isa > best ? best : isa;
  __atomic_store_n((int *)&chosen, got, __ATOMIC_RELAXED);
  return got;
}
