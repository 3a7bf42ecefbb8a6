#include "CKernels.h"

#include <stdatomic.h>

/// The widest path of this machine; -1 until somebody asks.
static _Atomic int widest = -1;
/// The path forced on this thread; -1 for none.
static _Thread_local int forced = -1;

/// What the processor and the operating system allow.
static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    return 1;
#endif
  return 0;
}

static int widest_isa(void) {
  int isa = atomic_load_explicit(&widest, memory_order_relaxed);
  if (isa >= 0) return isa;
  isa = detect();
  atomic_store_explicit(&widest, isa, memory_order_relaxed);
  return isa;
}

int ck_isa(void) { return forced >= 0 ? forced : widest_isa(); }

int ck_force_isa(int isa) {
  int best = widest_isa();
  forced = isa < 0 ? -1 : isa > best ? best : isa;
  return ck_isa();
}
