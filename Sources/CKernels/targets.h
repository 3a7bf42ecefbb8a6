// Compiles the file named by CK_SELF once per instruction set.
//
// A subject file has two halves: the outer one (CK_TARGET undefined) includes this header and
// defines the public functions with CK_DISPATCH; the inner one holds the kernels, each named
// CK(name), and is included here with vectors of CK_L lanes.
#ifndef CK_TARGETS_H
#define CK_TARGETS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define CK_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define CK_TARGET 2
#define CK_L 16
#define CK_MR 8
#define CK(name) name##_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "vec.h"
#include CK_SELF
#pragma clang attribute pop
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

#define CK_TARGET 1
#define CK_L 8
#define CK_MR 4
#define CK(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "vec.h"
#include CK_SELF
#pragma clang attribute pop
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

#define CK_CASES(name, args)                 \
  case 2: return name##_avx512 args;         \
  case 1: return name##_avx2 args;
#else
#define CK_CASES(name, args)
#endif

#define CK_TARGET 0
#define CK_L 4
#define CK_MR 4
#define CK(name) name##_portable
#include "vec.h"
#include CK_SELF
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

/// Defines the public function `name`, which calls the path that ck_isa() chooses.
#define CK_DISPATCH(result, name, parameters, arguments) \
  result name parameters {                               \
    switch (ck_isa()) {                                  \
      CK_CASES(name, arguments)                          \
      default: return name##_portable arguments;         \
    }                                                    \
  }

#endif
