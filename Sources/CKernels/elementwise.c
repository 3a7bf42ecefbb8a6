#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "elementwise.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_add, (int type, const void *a, const void *b, void *out, long n),
                  (a, b, out, n))
CK_DISPATCH_TYPED(void, ck_add3,
                  (int type, const void *a, const void *b, const void *c, void *out, long n),
                  (a, b, c, out, n))
CK_DISPATCH_TYPED(void, ck_scale, (int type, const void *x, float factor, void *out, long n),
                  (x, factor, out, n))
CK_DISPATCH_TYPED(void, ck_add_scaled,
                  (int type, void *y, long stride, const void *x, long xStride, float factor,
                   long count, long width),
                  (y, stride, x, xStride, factor, count, width))
CK_DISPATCH_TYPED(void, ck_add_bias,
                  (int type, void *y, long stride, const void *bias, long first, long count,
                   long width),
                  (y, stride, bias, first, count, width))
CK_DISPATCH_TYPED(void, ck_bias_gradient,
                  (int type, const void *dy, long stride, void *dbias, long rows,
                   long firstColumn, long columns),
                  (dy, stride, dbias, rows, firstColumn, columns))
CK_DISPATCH_TYPED(void, ck_widen, (int type, const void *x, float *y, long n), (x, y, n))
CK_DISPATCH_TYPED(void, ck_narrow, (int type, const float *x, void *y, long n), (x, y, n))
CK_DISPATCH_TYPED(double, ck_sum_of_squares, (int type, const void *x, long n), (x, n))

void ck_zero(float *x, long n) { memset(x, 0, (size_t)n * sizeof(float)); }
void ck_copy(const float *x, float *out, long n) { memmove(out, x, (size_t)n * sizeof(float)); }
#else

static void CKE(ck_add)(const E *a, const E *b, E *out, long n) {
  for (long j = 0; j < n; j += CK_L)
    estore_r(out + j, eload_r(a + j, n - j) + eload_r(b + j, n - j), n - j);
}

static void CKE(ck_add3)(const E *a, const E *b, const E *c, E *out, long n) {
  for (long j = 0; j < n; j += CK_L) {
    long r = n - j;
    estore_r(out + j, (eload_r(a + j, r) + eload_r(b + j, r)) + eload_r(c + j, r), r);
  }
}

static void CKE(ck_scale)(const E *x, float factor, E *out, long n) {
  for (long j = 0; j < n; j += CK_L)
    estore_r(out + j, eload_r(x + j, n - j) * vset(factor), n - j);
}

static void CKE(ck_add_scaled)(E *y, long stride, const E *x, long xStride, float factor,
                              long count, long width) {
  for (long row = 0; row < count; row++) {
    E *yr = y + row * stride;
    const E *xr = x + row * xStride;
    for (long j = 0; j < width; j += CK_L)
      estore_r(yr + j, eload_r(yr + j, width - j) + eload_r(xr + j, width - j) * vset(factor),
               width - j);
  }
}

static void CKE(ck_add_bias)(E *y, long stride, const A *bias, long first, long count,
                            long width) {
  for (long row = first; row < first + count; row++) {
    E *yr = y + row * stride;
    for (long j = 0; j < width; j += CK_L)
      estore_r(yr + j, eload_r(yr + j, width - j) + aload_r(bias + j, width - j), width - j);
  }
}

// As in layer_norm.c: sums of 64 rows first, so that the order depends on `rows` only.
static void CKE(ck_bias_gradient)(const E *dy, long stride, A *dbias, long rows,
                                 long firstColumn, long columns) {
  long end = firstColumn + columns;
  for (long j = firstColumn; j < end; j += 4 * CK_L) {
    vf total[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (long base = 0; base < rows; base += 64) {
      long stop = base + 64 < rows ? base + 64 : rows;
      vf b[4] = {vset(0), vset(0), vset(0), vset(0)};
      if (end - j >= 4 * CK_L) {
        for (long row = base; row < stop; row++)
          for (int v = 0; v < 4; v++) b[v] += eload(dy + row * stride + j + v * CK_L);
      } else {
        for (long row = base; row < stop; row++)
          for (int v = 0; v < 4; v++) {
            long c = j + v * CK_L;
            if (c < end) b[v] += eload_r(dy + row * stride + c, end - c);
          }
      }
      for (int v = 0; v < 4; v++) total[v] += b[v];
    }
    for (int v = 0; v < 4; v++) {
      long c = j + v * CK_L;
      if (c < end) astore_r(dbias + c, aload_r(dbias + c, end - c) + total[v], end - c);
    }
  }
}

// Sixteen double sums, by index modulo 16, whatever the lanes of the target: the same bits on all.
static double CKE(ck_sum_of_squares)(const E *x, long n) {
  typedef double doubles __attribute__((ext_vector_type(CK_L)));
  doubles lanes[16 / CK_L] = {0};
  double s[16];
  long j = 0;
  for (; j + 16 <= n; j += 16)
#pragma clang loop unroll(full)
    for (int k = 0; k < 16 / CK_L; k++) {
      doubles v = __builtin_convertvector(eload(x + j + k * CK_L), doubles);
      doubles square = v * v;  // exact: 48 bits; so contraction to an FMA changes nothing
      lanes[k] += square;
    }
  memcpy(s, lanes, sizeof s);
  for (; j < n; j++) s[j % 16] += (double)eget(x[j]) * (double)eget(x[j]);
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; k++) s[k] += s[k + width];
  return s[0];
}

static void CKE(ck_widen)(const E *x, float *y, long n) {
  for (long j = 0; j < n; j += CK_L) vstore_r(y + j, eload_r(x + j, n - j), n - j);
}

static void CKE(ck_narrow)(const float *x, E *y, long n) {
  for (long j = 0; j < n; j += CK_L) estore_r(y + j, vload_r(x + j, n - j), n - j);
}
#endif
