#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "cross_entropy.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_row_max,
                  (int type, const void *logits, long stride, long validColumns, float *max,
                   long first, long count),
                  (logits, stride, validColumns, max, first, count))
CK_DISPATCH_TYPED(void, ck_row_sum_exp,
                  (int type, const void *logits, long stride, long validColumns, long firstColumn,
                   const int32_t *labels, const float *max, float *sum, float *labelLogit,
                   long first, long count),
                  (logits, stride, validColumns, firstColumn, labels, max, sum, labelLogit, first,
                   count))
CK_DISPATCH_TYPED(void, ck_cross_entropy_backward,
                  (int type, void *logits, long stride, long columns, long validColumns,
                   long firstColumn, const int32_t *labels, const float *max, const float *sum,
                   float scale, long first, long count),
                  (logits, stride, columns, validColumns, firstColumn, labels, max, sum, scale,
                   first, count))

double ck_cross_entropy_loss(const int32_t *labels, const float *max, const float *sum,
                             const float *labelLogit, long rows, long *valid) {
  double total = 0;
  long used = 0;
  for (long row = 0; row < rows; row++) {
    if (labels[row] < 0) continue;
    total += log((double)sum[row]) + ((double)max[row] - (double)labelLogit[row]);
    used++;
  }
  *valid = used;
  return total;
}
#else

#define CK_LOG2E 1.44269504f

/// e^(x - max): a power of 2, which is cheaper, and as exact near the maximum, where it matters.
CK_INLINE vf CKE(power)(vf x, vf max) { return vexp2((x - max) * vset(CK_LOG2E)); }

static void CKE(ck_row_max)(const E *logits, long stride, long validColumns, float *max,
                           long first, long count) {
  for (long row = first; row < first + count; row++) {
    const E *l = logits + row * stride;
    vf a = vset(-INFINITY), b = a;
    long j = 0;
    for (; j + 2 * CK_L <= validColumns; j += 2 * CK_L)
      a = vmax(a, eload(l + j)), b = vmax(b, eload(l + j + CK_L));
    for (; j + CK_L <= validColumns; j += CK_L) a = vmax(a, eload(l + j));
    float m = vmaxh(vmax(a, b));
    for (; j < validColumns; j++) m = eget(l[j]) > m ? eget(l[j]) : m;
    max[row] = m;
  }
}

static void CKE(ck_row_sum_exp)(const E *logits, long stride, long validColumns,
                               long firstColumn, const int32_t *labels, const float *max,
                               float *sum, float *labelLogit, long first, long count) {
  for (long row = first; row < first + count; row++) {
    const E *l = logits + row * stride;
    vf a = vset(0), b = a, m = vset(max[row]);
    long j = 0;
    for (; j + 2 * CK_L <= validColumns; j += 2 * CK_L)
      a += CKE(power)(eload(l + j), m), b += CKE(power)(eload(l + j + CK_L), m);
    for (; j + CK_L <= validColumns; j += CK_L) a += CKE(power)(eload(l + j), m);
    if (j < validColumns) {
      vf e = CKE(power)(eload_r(l + j, validColumns - j), m);
      for (int k = 0; k < CK_L; k++)
        if (j + k >= validColumns) e[k] = 0;
      b += e;
    }
    sum[row] = vsum(a + b);
    long label = (long)labels[row] - firstColumn;
    labelLogit[row] = labels[row] >= 0 && label >= 0 && label < validColumns ? eget(l[label]) : 0;
  }
}

static void CKE(ck_cross_entropy_backward)(E *logits, long stride, long columns,
                                          long validColumns, long firstColumn,
                                          const int32_t *labels, const float *max,
                                          const float *sum, float scale, long first, long count) {
  for (long row = first; row < first + count; row++) {
    E *l = logits + row * stride;
    if (labels[row] < 0) {
      memset(l, 0, (size_t)columns * sizeof(E));
      continue;
    }
    vf m = vset(max[row]), f = vset(scale / sum[row]);
    for (long j = 0; j < validColumns; j += CK_L) {
      long r = validColumns - j;
      estore_r(l + j, CKE(power)(eload_r(l + j, r), m) * f, r);
    }
    memset(l + validColumns, 0, (size_t)(columns - validColumns) * sizeof(E));
    long label = (long)labels[row] - firstColumn;
    if (label >= 0 && label < validColumns) l[label] = eput(eget(l[label]) - scale);
  }
}
#undef CK_LOG2E
#endif
