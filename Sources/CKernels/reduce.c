#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "reduce.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_tree_sum,
                  (int type, const void *const *sources, int n, void *out, long first, long count),
                  (sources, n, out, first, count))
CK_DISPATCH_TYPED(void, ck_tree_max,
                  (int type, const void *const *sources, int n, void *out, long first, long count),
                  (sources, n, out, first, count))
CK_DISPATCH(void, ck_round_trip, (const float *x, float *y, long count, int type),
            (x, y, count, type))
CK_DISPATCH(void, ck_tree_sum_rounded,
            (const float *const *sources, int n, float *out, long first, long count, int type,
             int roundsSum),
            (sources, n, out, first, count, type, roundsSum))
CK_DISPATCH_TYPED(long, ck_argmax, (int type, const void *row, long n, float *value),
                  (row, n, value))
#else

/// One level at a time: neighbours are combined, an odd last one is carried up.
CK_INLINE vf CKE(tree)(vf *v, int n, int isMax) {
  for (int width = n; width > 1; width = (width + 1) / 2) {
    for (int i = 0; i < width / 2; i++)
      v[i] = isMax ? vmax(v[2 * i], v[2 * i + 1]) : v[2 * i] + v[2 * i + 1];
    if (width % 2) v[width / 2] = v[width - 1];
  }
  return v[0];
}

CK_INLINE void CKE(tree_loop)(const void *const *sources, int n, E *out, long first,
                             long count, int isMax) {
  vf v[64];
  long end = first + count, j = first;
  for (; j + CK_L <= end; j += CK_L) {
    for (int i = 0; i < n; i++) v[i] = eload((const E *)sources[i] + j);
    estore(out + j, CKE(tree)(v, n, isMax));
  }
  if (j < end) {
    for (int i = 0; i < n; i++) v[i] = eload_r((const E *)sources[i] + j, end - j);
    estore_r(out + j, CKE(tree)(v, n, isMax), end - j);
  }
}

/// The common counts as constants, so that the tree stays in registers.
CK_INLINE void CKE(tree_any)(const void *const *sources, int n, E *out, long first,
                            long count, int isMax) {
  switch (n) {
    case 1: return CKE(tree_loop)(sources, 1, out, first, count, isMax);
    case 2: return CKE(tree_loop)(sources, 2, out, first, count, isMax);
    case 4: return CKE(tree_loop)(sources, 4, out, first, count, isMax);
    case 8: return CKE(tree_loop)(sources, 8, out, first, count, isMax);
    case 16: return CKE(tree_loop)(sources, 16, out, first, count, isMax);
    default: return CKE(tree_loop)(sources, n, out, first, count, isMax);
  }
}

static void CKE(ck_tree_sum)(const void *const *sources, int n, E *out, long first,
                            long count) {
  CKE(tree_any)(sources, n, out, first, count, 0);
}

static void CKE(ck_tree_max)(const void *const *sources, int n, E *out, long first,
                            long count) {
  CKE(tree_any)(sources, n, out, first, count, 1);
}

#if CK_TYPE == CK_FLOAT32
/// Cuts `drop` bits of the significand, to the nearest, ties to even; no-numbers stay.
CK_INLINE float CK(cut)(float x, uint32_t drop) {
  uint32_t u;
  memcpy(&u, &x, 4);
  uint32_t r = (u + ((1u << (drop - 1)) - 1) + ((u >> drop) & 1)) & ~((1u << drop) - 1);
  if ((u & 0x7f800000u) == 0x7f800000u) r = u;
  memcpy(&x, &r, 4);
  return x;
}

static void CK(ck_round_trip)(const float *x, float *y, long count, int type) {
  if (type == CK_BFLOAT16) {
    for (long j = 0; j < count; j++) y[j] = CK(cut)(x[j], 16);
    return;
  }
  for (long j = 0; j < count; j++) {
    // Below 2^-14 float16 has steps of 2^-24, as float32 has next to 1/2.
    float small = copysignf((fabsf(x[j]) + 0.5f) - 0.5f, x[j]);
    float large = CK(cut)(x[j], 13);
    float r = fabsf(x[j]) < 0x1p-14f ? small : large;
    y[j] = fabsf(r) > 65504.0f ? copysignf(INFINITY, r) : r;
  }
}

static void CK(ck_tree_sum_rounded)(const float *const *sources, int n, float *out, long first,
                                    long count, int type, int roundsSum) {
  enum { BLOCK = 256 };
  float block[64 * BLOCK];
  const void *rows[64];
  for (long j = first; j < first + count; j += BLOCK) {
    long length = first + count - j < BLOCK ? first + count - j : BLOCK;
    for (int i = 0; i < n; i++) {
      CK(ck_round_trip)(sources[i] + j, block + i * BLOCK, length, type);
      rows[i] = block + i * BLOCK;
    }
    CKE(tree_any)(rows, n, out + j, 0, length, 0);
    if (roundsSum) CK(ck_round_trip)(out + j, out + j, length, type);
  }
}
#endif

static long CKE(ck_argmax)(const E *row, long n, float *value) {
  float best = -INFINITY;
  long j = 0;
  vf a = vset(-INFINITY);
  for (; j + CK_L <= n; j += CK_L) a = vmax(a, eload(row + j));
  best = vmaxh(a);
  for (; j < n; j++) best = eget(row[j]) > best ? eget(row[j]) : best;
  *value = best;
  for (j = 0; j < n; j++)
    if (eget(row[j]) == best) return j;
  return 0;
}
#endif
