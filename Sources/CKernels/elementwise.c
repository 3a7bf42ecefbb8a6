#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "elementwise.c"
#include "targets.h"

CK_DISPATCH(void, ck_add, (const float *a, const float *b, float *out, long n), (a, b, out, n))
CK_DISPATCH(void, ck_add3, (const float *a, const float *b, const float *c, float *out, long n),
            (a, b, c, out, n))
CK_DISPATCH(void, ck_scale, (const float *x, float factor, float *out, long n),
            (x, factor, out, n))
CK_DISPATCH(void, ck_add_scaled,
            (float *y, long stride, const float *x, long xStride, float factor, long count,
             long width),
            (y, stride, x, xStride, factor, count, width))
CK_DISPATCH(void, ck_add_bias,
            (float *y, long stride, const float *bias, long first, long count, long width),
            (y, stride, bias, first, count, width))
CK_DISPATCH(void, ck_bias_gradient,
            (const float *dy, long stride, float *dbias, long rows, long firstColumn,
             long columns),
            (dy, stride, dbias, rows, firstColumn, columns))
CK_DISPATCH(double, ck_sum_of_squares, (const float *x, long n), (x, n))

void ck_zero(float *x, long n) { memset(x, 0, (size_t)n * sizeof(float)); }
void ck_copy(const float *x, float *out, long n) { memmove(out, x, (size_t)n * sizeof(float)); }
#else

static void CK(ck_add)(const float *a, const float *b, float *out, long n) {
  for (long j = 0; j < n; j += CK_L)
    vstore_r(out + j, vload_r(a + j, n - j) + vload_r(b + j, n - j), n - j);
}

static void CK(ck_add3)(const float *a, const float *b, const float *c, float *out, long n) {
  for (long j = 0; j < n; j += CK_L) {
    long r = n - j;
    vstore_r(out + j, (vload_r(a + j, r) + vload_r(b + j, r)) + vload_r(c + j, r), r);
  }
}

static void CK(ck_scale)(const float *x, float factor, float *out, long n) {
  for (long j = 0; j < n; j += CK_L)
    vstore_r(out + j, vload_r(x + j, n - j) * vset(factor), n - j);
}

static void CK(ck_add_scaled)(float *y, long stride, const float *x, long xStride, float factor,
                              long count, long width) {
  for (long row = 0; row < count; row++) {
    float *yr = y + row * stride;
    const float *xr = x + row * xStride;
    for (long j = 0; j < width; j += CK_L)
      vstore_r(yr + j, vload_r(yr + j, width - j) + vload_r(xr + j, width - j) * vset(factor),
               width - j);
  }
}

static void CK(ck_add_bias)(float *y, long stride, const float *bias, long first, long count,
                            long width) {
  for (long row = first; row < first + count; row++) {
    float *yr = y + row * stride;
    for (long j = 0; j < width; j += CK_L)
      vstore_r(yr + j, vload_r(yr + j, width - j) + vload_r(bias + j, width - j), width - j);
  }
}

// As in layer_norm.c: sums of 64 rows first, so that the order depends on `rows` only.
static void CK(ck_bias_gradient)(const float *dy, long stride, float *dbias, long rows,
                                 long firstColumn, long columns) {
  long end = firstColumn + columns;
  for (long j = firstColumn; j < end; j += 4 * CK_L) {
    vf total[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (long base = 0; base < rows; base += 64) {
      long stop = base + 64 < rows ? base + 64 : rows;
      vf b[4] = {vset(0), vset(0), vset(0), vset(0)};
      if (end - j >= 4 * CK_L) {
        for (long row = base; row < stop; row++)
          for (int v = 0; v < 4; v++) b[v] += vload(dy + row * stride + j + v * CK_L);
      } else {
        for (long row = base; row < stop; row++)
          for (int v = 0; v < 4; v++) {
            long c = j + v * CK_L;
            if (c < end) b[v] += vload_r(dy + row * stride + c, end - c);
          }
      }
      for (int v = 0; v < 4; v++) total[v] += b[v];
    }
    for (int v = 0; v < 4; v++) {
      long c = j + v * CK_L;
      if (c < end) vstore_r(dbias + c, vload_r(dbias + c, end - c) + total[v], end - c);
    }
  }
}

// Sixteen double sums, by index modulo 16, whatever the lanes of the target: the same bits on all.
static double CK(ck_sum_of_squares)(const float *x, long n) {
  double s[16] = {0};
  long j = 0;
  for (; j + 16 <= n; j += 16)
    for (int k = 0; k < 16; k++) {
      double v = x[j + k];
      double square = v * v;  // exact: 48 bits; so contraction to an FMA changes nothing
      s[k] += square;
    }
  for (; j < n; j++) s[j % 16] += (double)x[j] * (double)x[j];
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; k++) s[k] += s[k + width];
  return s[0];
}
#endif
