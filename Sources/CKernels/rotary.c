#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "rotary.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_rotary,
                  (int type, void *x, long stride, long column, long heads, long headDim,
                   long rotaryDim, const float *table, long sequence, const int32_t *places,
                   long first, long count, int inverse),
                  (x, stride, column, heads, headDim, rotaryDim, table, sequence, places, first,
                   count, inverse))

void ck_rotary_table(float *table, long sequence, long rotaryDim, double base) {
  for (long position = 0; position < sequence; position++) {
    float *cosines = table + position * 2 * rotaryDim, *sines = cosines + rotaryDim;
    for (long i = 0; i < rotaryDim; i += 2) {
      double angle = (double)position * pow(base, -(double)i / (double)rotaryDim);
      cosines[i] = cosines[i + 1] = (float)cos(angle);
      sines[i] = -(float)sin(angle);
      sines[i + 1] = (float)sin(angle);
    }
  }
}
#else

/// The pairs (x0, x1) as (x1, x0).
CK_INLINE vf CKE(swap_pairs)(vf v) {
#if CK_L == 16
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif CK_L == 8
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return __builtin_shufflevector(v, v, 1, 0, 3, 2);
#endif
}

static void CKE(ck_rotary)(E *x, long stride, long column, long heads, long headDim,
                          long rotaryDim, const float *table, long sequence,
                          const int32_t *places, long first, long count, int inverse) {
  vf sign = vset(inverse ? -1.0f : 1.0f);
  for (long row = first; row < first + count; row++) {
    long place = places ? places[row] : row;
    if (place < 0) continue;
    const float *cosines = table + place % sequence * 2 * rotaryDim, *sines = cosines + rotaryDim;
    for (long j = 0; j < rotaryDim; j += CK_L) {
      long r = rotaryDim - j;
      vf c = vload_r(cosines + j, r), s = vload_r(sines + j, r) * sign;
      E *p = x + row * stride + column + j;
      for (long head = 0; head < heads; head++, p += headDim) {
        vf v = eload_r(p, r);
        estore_r(p, v * c + CKE(swap_pairs)(v) * s, r);
      }
    }
  }
}
#endif
