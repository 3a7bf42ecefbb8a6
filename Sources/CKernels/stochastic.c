// Rounding whose expectation is the value itself, by random bits that depend on where an element is
// and on nothing of who rounds it.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "stochastic.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_narrow_stochastic,
                  (int type, const float *x, void *y, long first, long n,
                   const ck_rounding *rounding),
                  (x, y, first, n, rounding))
#else
#if CK_TYPE == CK_FLOAT32
#include "philox.h"

static void CKE(ck_narrow_stochastic)(const float *x, E *y, long first, long n,
                                      const ck_rounding *rounding) {
  (void)first, (void)rounding;
  memmove(y, x, (size_t)n * sizeof *y);
}
#else

/// Adds as many of 16 random bits as are cut off, and cuts: up as often as x is above the number
/// below it.
CK_INLINE vu CKE(up_or_down)(vf x, vu random) {
  vu u = (vu)x, a = u & 0x7fffffffu;
#if CK_TYPE == CK_BFLOAT16
  vu isFinite = (vu)(a < 0x7f800000u), isNaN = (vu)(a > 0x7f800000u);
  return (u + (random & isFinite) | (isNaN & 0x400000u)) >> 16;
#else
  // Of the significand 13 bits go, below 2^-14 one more with each power of two; where that is more
  // than 18, the significand is cut first, as it is for the random bits' own resolution.
  vu exponent = a >> 23, below = exponent < 113u ? 113u - exponent : (vu)0u;
  vu cut = below > 18u ? below - 18u : (vu)0u, bits = 13u + (below - cut);
  vu significand = (a & 0x7fffffu) | (exponent > 0u ? (vu)0x800000u : (vu)0u);
  significand = cut > 31u ? (vu)0u : significand >> (cut & 31u);
  vu half = (significand + ((random << 15) >> (31u - bits))) >> bits;
  half += exponent > 113u ? (exponent - 113u) << 10 : (vu)0u;
  half = half > 0x7c00u ? (vu)0x7c00u : half;
  half = a >= 0x7f800000u ? (vu)0x7c00u : half;
  half = a > 0x7f800000u ? (vu)0x7e00u : half;
  return half | (u >> 16 & 0x8000u);
#endif
}

/// Element i of a tensor takes the (i / 16 % 8)-th 16 bits of counter i / 128 * 16 + i % 16, whatever
/// the length of a vector.
static void CKE(ck_narrow_stochastic)(const float *x, E *y, long first, long n,
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
          vu rounded = CKE(up_or_down)(vload(x + at), random);
          *(CKE(halfu_) *)(y + at) = __builtin_convertvector(rounded, CKE(half_));
          continue;
        }
        for (long i = 0; i < CK_L; i++)
          if (at + i >= 0 && at + i < n)
            y[at + i] = (uint16_t)CKE(up_or_down)(vset(x[at + i]), random)[i];
      }
    }
  }
}
#endif
#endif
