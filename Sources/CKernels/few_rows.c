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
#define CK_FR (CK_TARGET >= 2 ? 6 : 2)

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

/// C[rows][columns <= 4] (+)= over k; a column beyond those repeats the last one. With `fetch` asks
/// for the next columns' weights, which come from far away.
CK_INLINE void CK(few_tile)(const float *a, long lda, const float *const *w, long ldw, float *c,
                            long ldc, int rows, long columns, long k, int fetch, int add) {
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
      if (fetch) __builtin_prefetch(w[j] + 4 * ldw + p);
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
    float *to = c + i * ldc;
    if (columns == 4) *(CK(v4u_) *)to = add ? *(CK(v4u_) *)to + s : s;
    else
      for (long j = 0; j < columns; j++) to[j] = add ? to[j] + s[j] : s[j];
  }
}

/// Some rows of C, at most CK_FR of them.
CK_INLINE void CK(few_tiles)(const float *a, long lda, const float *const *w, long ldw, float *c,
                             long ldc, long rows, long columns, long k, int fetch, int add) {
  switch (rows) {
#define CK_CASE(n)                                                                   \
  case n: CK(few_tile)(a, lda, w, ldw, c, ldc, n, columns, k, fetch, add); break;
#if CK_TARGET >= 2
    CK_CASE(6) CK_CASE(5) CK_CASE(4) CK_CASE(3)
#endif
    CK_CASE(2) CK_CASE(1)
#undef CK_CASE
  }
}

/// So much of k that a tile's rows of A and of W fit the nearest cache together.
#define CK_DEPTH 1024
/// A block of A's rows, in bytes, that stays in the nearest cache while columns pass by.
#define CK_NEAR (24 << 10)
/// Columns of W, in bytes, that stay in the second cache while blocks of rows pass by.
#define CK_FAR (128 << 10)

static void CK(ck_few_rows)(const float *a, long lda, const float *w, long ldw, float *c, long ldc,
                            long m, long n, long k) {
  for (long p = 0; p < k; p += CK_DEPTH) {
    long depth = k - p < CK_DEPTH ? k - p : CK_DEPTH, bytes = depth * (long)sizeof(float);
    long block = CK_NEAR / bytes / CK_FR * CK_FR, span = CK_FAR / bytes / 4 * 4;
    if (block < CK_FR) block = CK_FR;
    for (long j0 = 0; j0 < n; j0 += span)
      for (long i0 = 0; i0 < m; i0 += block) {
        long end = m - i0 < block ? m : i0 + block, last = n - j0 < span ? n : j0 + span;
        for (long j = j0; j < last; j += 4) {
          long columns = last - j < 4 ? last - j : 4;
          const float *from[4];
          for (long q = 0; q < 4; q++)
            from[q] = w + (j + (q < columns ? q : columns - 1)) * ldw + p;
          for (long i = i0; i < end; i += CK_FR) {
            long rows = end - i < CK_FR ? end - i : CK_FR;
            const float *x = a + i * lda + p;
            float *to = c + i * ldc + j;
            if (i == 0) CK(few_tiles)(x, lda, from, ldw, to, ldc, rows, columns, depth, 1, p > 0);
            else CK(few_tiles)(x, lda, from, ldw, to, ldc, rows, columns, depth, 0, p > 0);
          }
        }
      }
  }
}
#undef CK_FR
#undef CK_DEPTH
#undef CK_NEAR
#undef CK_FAR
#endif
