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
CK_DISPATCH_TYPED(void, ck_round_trip, (int type, const float *x, float *y, long count),
                  (x, y, count))
CK_DISPATCH_TYPED(void, ck_tree_sum_rounded,
                  (int type, const float *const *sources, int n, float *out, long first, long count,
                   int roundsSum),
                  (sources, n, out, first, count, roundsSum))
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

static void CKE(ck_round_trip)(const float *x, float *y, long count) {
  for (long j = 0; j < count; j += CK_L)
    vstore_r(y + j, etrip(vload_r(x + j, count - j)), count - j);
}

static void CKE(ck_tree_sum_rounded)(const float *const *sources, int n, float *out, long first,
                                     long count, int roundsSum) {
  vf v[64];
  for (long j = first; j < first + count; j += CK_L) {
    long r = first + count - j;
    for (int i = 0; i < n; i++) v[i] = etrip(vload_r(sources[i] + j, r));
    vf sum = CKE(tree)(v, n, 0);
    vstore_r(out + j, roundsSum ? etrip(sum) : sum, r);
  }
}

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
