// Rounding to bfloat16 whose expectation is the value itself, by random bits that depend on where an
// element is and on nothing of who rounds it.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "stochastic.c"
#include "targets.h"

CK_DISPATCH(void, ck_narrow_stochastic,
            (const float *x, uint16_t *y, long first, long n, const ck_rounding *rounding),
            (x, y, first, n, rounding))
#else
#include "philox.h"

typedef uint16_t CK(shorts_) __attribute__((ext_vector_type(CK_L), aligned(2), may_alias));

/// Adds random lower halves and cuts: up as often as x is above the number below it.
CK_INLINE vu CK(up_or_down)(vf x, vu random) {
  vu u = (vu)x, isNaN = (vu)((u & 0x7fffffffu) > 0x7f800000u);
  vu isFinite = (vu)((u & 0x7f800000u) != 0x7f800000u);
  return (u + (random & isFinite) | (isNaN & 0x400000u)) >> 16;
}

/// Element i of a tensor takes the (i / 16 % 8)-th 16 bits of counter i / 128 * 16 + i % 16, whatever
/// the length of a vector.
static void CK(ck_narrow_stochastic)(const float *x, uint16_t *y, long first, long n,
                                     const ck_rounding *rounding) {
  static const uint32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (long tile = first / 128 * 128; tile < first + n; tile += 128) {
    uint64_t counter = (uint64_t)tile / 8;
    for (long lane = 0; lane < 16; lane += CK_L) {
      vu lanes, c[4];
      memcpy(&lanes, numbers + lane, sizeof lanes);
      c[0] = lanes + (vu)(uint32_t)counter;
      c[1] = (vu)(uint32_t)(counter >> 32);
      c[2] = (vu)(uint32_t)rounding->stream;
      c[3] = (vu)(uint32_t)(rounding->stream >> 32);
      CK(philox)(c, rounding->seed, rounding->step);
#pragma clang loop unroll(full)
      for (long k = 0; k < 8; k++) {
        long at = tile + k * 16 + lane - first;
        vu random = k & 1 ? c[k / 2] >> 16 : c[k / 2] & 0xffffu;
        if (at >= 0 && at + CK_L <= n) {
          vu rounded = CK(up_or_down)(vload(x + at), random);
          *(CK(shorts_) *)(y + at) = __builtin_convertvector(rounded, CK(shorts_));
          continue;
        }
        for (long i = 0; i < CK_L; i++)
          if (at + i >= 0 && at + i < n)
            y[at + i] = (uint16_t)CK(up_or_down)(vset(x[at + i]), random)[i];
      }
    }
  }
}
#endif
