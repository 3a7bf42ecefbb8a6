#include "CKernels.h"

#include <stdatomic.h>

/// The widest path of this machine, and the one it takes by itself; -1 until somebody asks.
static _Atomic int widest = -1, fastest = -1;
/// The path forced on this thread; -1 for none.
static _Thread_local int forced = -1;

/// What the processor and the operating system allow.
static int detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return __builtin_cpu_supports("avx512bf16") ? 4 : 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    return 1;
#endif
  return 0;
}

/// AMD's cores multiply twice as much bfloat16 as float32; one of Intel's (Emerald Rapids) does 90
/// GFLOP/s against 180, measured, so that attention that widens is the faster there.
static int choose(void) {
  int isa = detect();
#if defined(__x86_64__)
  if (isa == 4 && !__builtin_cpu_is("amd")) return 3;
#endif
  return isa;
}

static int once(_Atomic int *known, int (*find)(void)) {
  int isa = atomic_load_explicit(known, memory_order_relaxed);
  if (isa >= 0) return isa;
  isa = find();
  atomic_store_explicit(known, isa, memory_order_relaxed);
  return isa;
}

int ck_multiplies_bfloat16_faster(void) { return once(&fastest, choose) == 4; }

int ck_widest_isa(void) { return once(&widest, detect); }
int ck_isa(void) { return forced >= 0 ? forced : once(&fastest, choose); }

int ck_force_isa(int isa) {
  int best = ck_widest_isa();
  forced = isa < 0 ? -1 : isa > best ? best : isa;
  return ck_isa();
}
