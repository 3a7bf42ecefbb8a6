// Compiles the file named by CK_SELF once per instruction set and, where it defines CK_TYPED, once
// per type of element.
//
// A subject file has two halves: the outer one (CK_TARGET undefined) includes this header and
// defines the public functions with CK_DISPATCH or CK_DISPATCH_TYPED; the inner one holds the
// kernels, and is included here with vectors of CK_L lanes. CK(name) is a kernel of one instruction
// set, which has floats only; CKE(name) one for elements of type E (element.h) as well.
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
#define CK_TARGET 3
#define CK_L 16
#define CK_MR 8
#define CK(name) name##_avx512bf16
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#include "vec.h"
#define CKE(name) name##_avx512bf16_float32
#include "types.h"
#undef CKE
#define CKE(name) name##_avx512bf16_bfloat16
#include "bfloat16.h"
#undef CKE
#define CKE(name) name##_avx512bf16_float16
#include "float16.h"
#undef CKE
#pragma clang attribute pop
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

#define CK_TARGET 2
#define CK_L 16
#define CK_MR 8
#define CK(name) name##_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "vec.h"
#define CKE(name) name##_avx512_float32
#include "types.h"
#undef CKE
#define CKE(name) name##_avx512_bfloat16
#include "bfloat16.h"
#undef CKE
#define CKE(name) name##_avx512_float16
#include "float16.h"
#undef CKE
#pragma clang attribute pop
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

#define CK_TARGET 1
#define CK_L 8
#define CK_MR 4
#define CK(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vec.h"
#define CKE(name) name##_avx2_float32
#include "types.h"
#undef CKE
#define CKE(name) name##_avx2_bfloat16
#include "bfloat16.h"
#undef CKE
#define CKE(name) name##_avx2_float16
#include "float16.h"
#undef CKE
#pragma clang attribute pop
#undef CK_TARGET
#undef CK_L
#undef CK_MR
#undef CK

#define CK_CASES(name, args)                 \
  case 4:                                    \
  case 3: return name##_avx512bf16 args;     \
  case 2: return name##_avx512 args;         \
  case 1: return name##_avx2 args;
#define CK_TYPED_CASES(name, args)                     \
  case 14:                                             \
  case 11: return name##_avx512bf16_float16 args;      \
  case 13:                                             \
  case 10: return name##_avx512bf16_bfloat16 args;     \
  case 12:                                             \
  case 9: return name##_avx512bf16_float32 args;       \
  case 8: return name##_avx512_float16 args;           \
  case 7: return name##_avx512_bfloat16 args;          \
  case 6: return name##_avx512_float32 args;           \
  case 5: return name##_avx2_float16 args;             \
  case 4: return name##_avx2_bfloat16 args;            \
  case 3: return name##_avx2_float32 args;
#else
#define CK_CASES(name, args)
#define CK_TYPED_CASES(name, args)
#endif

#define CK_TARGET 0
#define CK_L 4
#define CK_MR 4
#define CK(name) name##_portable
#include "vec.h"
#define CKE(name) name##_portable_float32
#include "types.h"
#undef CKE
#define CKE(name) name##_portable_bfloat16
#include "bfloat16.h"
#undef CKE
#define CKE(name) name##_portable_float16
#include "float16.h"
#undef CKE
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

/// The same for elements of `type`, one of its parameters.
#define CK_DISPATCH_TYPED(result, name, parameters, arguments)  \
  result name parameters {                                      \
    switch (3 * ck_isa() + type) {                              \
      CK_TYPED_CASES(name, arguments)                           \
      case 2: return name##_portable_float16 arguments;         \
      case 1: return name##_portable_bfloat16 arguments;        \
      default: return name##_portable_float32 arguments;        \
    }                                                           \
  }

#endif
