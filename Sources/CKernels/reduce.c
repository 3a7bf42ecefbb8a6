#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "reduce.c"
#include "targets.h"

CK_DISPATCH(void, ck_tree_sum, (const float *const *sources, int n, float *out, long first,
                                long count),
            (sources, n, out, first, count))
CK_DISPATCH(void, ck_tree_max, (const float *const *sources, int n, float *out, long first,
                                long count),
            (sources, n, out, first, count))
CK_DISPATCH(long, ck_argmax, (const float *row, long n, float *value), (row, n, value))
#else

/// One level at a time: neighbours are combined, an odd last one is carried up.
CK_INLINE vf CK(tree)(vf *v, int n, int isMax) {
  for (int width = n; width > 1; width = (width + 1) / 2) {
    for (int i = 0; i < width / 2; i++)
      v[i] = isMax ? vmax(v[2 * i], v[2 * i + 1]) : v[2 * i] + v[2 * i + 1];
    if (width % 2) v[width / 2] = v[width - 1];
  }
  return v[0];
}

CK_INLINE void CK(tree_loop)(const float *const *sources, int n, float *out, long first,
                             long count, int isMax) {
  vf v[64];
  long end = first + count, j = first;
  for (; j + CK_L <= end; j += CK_L) {
    for (int i = 0; i < n; i++) v[i] = vload(sources[i] + j);
    vstore(out + j, CK(tree)(v, n, isMax));
  }
  if (j < end) {
    for (int i = 0; i < n; i++) v[i] = vloadn(sources[i] + j, end - j);
    vstoren(out + j, CK(tree)(v, n, isMax), end - j);
  }
}

/// The common counts as constants, so that the tree stays in registers.
CK_INLINE void CK(tree_any)(const float *const *sources, int n, float *out, long first,
                            long count, int isMax) {
  switch (n) {
    case 1: return CK(tree_loop)(sources, 1, out, first, count, isMax);
    case 2: return CK(tree_loop)(sources, 2, out, first, count, isMax);
    case 4: return CK(tree_loop)(sources, 4, out, first, count, isMax);
    case 8: return CK(tree_loop)(sources, 8, out, first, count, isMax);
    case 16: return CK(tree_loop)(sources, 16, out, first, count, isMax);
    default: return CK(tree_loop)(sources, n, out, first, count, isMax);
  }
}

static void CK(ck_tree_sum)(const float *const *sources, int n, float *out, long first,
                            long count) {
  CK(tree_any)(sources, n, out, first, count, 0);
}

static void CK(ck_tree_max)(const float *const *sources, int n, float *out, long first,
                            long count) {
  CK(tree_any)(sources, n, out, first, count, 1);
}

static long CK(ck_argmax)(const float *row, long n, float *value) {
  float best = -INFINITY;
  long j = 0;
  vf a = vset(-INFINITY);
  for (; j + CK_L <= n; j += CK_L) a = vmax(a, vload(row + j));
  best = vmaxh(a);
  for (; j < n; j++) best = row[j] > best ? row[j] : best;
  *value = best;
  for (j = 0; j < n; j++)
    if (row[j] == best) return j;
  return 0;
}
#endif
