// A few rows times a wide transposed weight: dot products along k, the weight read once, in place.
//
// A tile is CK_FR rows x 4 columns of C, each element a vector of partial sums over k mod CK_L.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "few_rows.c"
#include "targets.h"

CK_DISPATCH(void, ck_few_rows,
            (const float *a, long lda, const float *w, long ldw, float *c, long ldc, long m, long n,
             long k),
            (a, lda, w, ldw, c, ldc, m, n, k))
#else

/// Rows of a tile: with 4 columns, accumulators and operands fill the vector registers.
#define CK_FR (CK_TARGET == 2 ? 6 : 2)

typedef float CK(v4_) __attribute__((ext_vector_type(4)));
typedef float CK(v4u_) __attribute__((ext_vector_type(4), aligned(4), may_alias));

/// The four sums over lanes, in a fixed order.
CK_INLINE CK(v4_) CK(sums4)(vf a, vf b, vf c, vf d) {
#if CK_L == 16
  __auto_type a8 = a.lo + a.hi, b8 = b.lo + b.hi, c8 = c.lo + c.hi, d8 = d.lo + d.hi;
#else
#define a8 a
#define b8 b
#define c8 c
#define d8 d
#endif
#if CK_L >= 8
  CK(v4_) a4 = a8.lo + a8.hi, b4 = b8.lo + b8.hi, c4 = c8.lo + c8.hi, d4 = d8.lo + d8.hi;
#else
  CK(v4_) a4 = a, b4 = b, c4 = c, d4 = d;
#endif
#undef a8
#undef b8
#undef c8
#undef d8
  CK(v4_) ab = __builtin_shufflevector(a4, b4, 0, 4, 1, 5) + __builtin_shufflevector(a4, b4, 2, 6, 3, 7);
  CK(v4_) cd = __builtin_shufflevector(c4, d4, 0, 4, 1, 5) + __builtin_shufflevector(c4, d4, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/// C[rows][columns <= 4]; a column beyond n repeats the last one.
CK_INLINE void CK(few_tile)(const float *a, long lda, const float *const *w, float *c, long ldc,
                            int rows, long columns, long k, long ahead) {
  vf acc[6][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) acc[i][j] = vset(0);
  long p = 0;
  for (; p + CK_L <= k; p += CK_L) {
    vf x[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      x[j] = vload(w[j] + p);
      __builtin_prefetch(w[j] + ahead + p);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      vf y = vload(a + i * lda + p);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) acc[i][j] = y * x[j] + acc[i][j];
    }
  }
  if (p < k) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      vf y = vloadn(a + i * lda + p, k - p);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) acc[i][j] = y * vloadn(w[j] + p, k - p) + acc[i][j];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    CK(v4_) s = CK(sums4)(acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
    if (columns == 4) *(CK(v4u_) *)(c + i * ldc) = s;
    else
      for (long j = 0; j < columns; j++) c[i * ldc + j] = s[j];
  }
}

static void CK(ck_few_rows)(const float *a, long lda, const float *w, long ldw, float *c, long ldc,
                            long m, long n, long k) {
  for (long j = 0; j < n; j += 4) {
    long columns = n - j < 4 ? n - j : 4;
    const float *rows[4];
    for (long q = 0; q < 4; q++) rows[q] = w + (j + (q < columns ? q : columns - 1)) * ldw;
    long i = 0;
    for (; i + CK_FR <= m; i += CK_FR)
      CK(few_tile)(a + i * lda, lda, rows, c + i * ldc + j, ldc, CK_FR, columns, k, 4 * ldw);
    const float *rest = a + i * lda;
    float *to = c + i * ldc + j;
    switch (m - i) {
      case 5: CK(few_tile)(rest, lda, rows, to, ldc, 5, columns, k, 4 * ldw); break;
      case 4: CK(few_tile)(rest, lda, rows, to, ldc, 4, columns, k, 4 * ldw); break;
      case 3: CK(few_tile)(rest, lda, rows, to, ldc, 3, columns, k, 4 * ldw); break;
      case 2: CK(few_tile)(rest, lda, rows, to, ldc, 2, columns, k, 4 * ldw); break;
      case 1: CK(few_tile)(rest, lda, rows, to, ldc, 1, columns, k, 4 * ldw); break;
      default: break;
    }
  }
}
#undef CK_FR
#endif
