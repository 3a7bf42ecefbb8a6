#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "layer_norm.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_layer_norm_forward,
                  (int type, const void *x, const void *gamma, const void *beta, void *y,
                   float *stats, long first, long count, long width, float eps),
                  (x, gamma, beta, y, stats, first, count, width, eps))
CK_DISPATCH_TYPED(void, ck_layer_norm_backward,
                  (int type, const void *dy, const void *x, const float *stats,
                   const void *gamma, void *dx, long first, long count, long width),
                  (dy, x, stats, gamma, dx, first, count, width))
CK_DISPATCH_TYPED(void, ck_layer_norm_parameter_gradient,
                  (int type, const void *dy, const void *x, const float *stats, void *dgamma,
                   void *dbeta, long rows, long width, long firstColumn, long columns),
                  (dy, x, stats, dgamma, dbeta, rows, width, firstColumn, columns))
#else

static void CKE(ck_layer_norm_forward)(const E *x, const A *gamma, const A *beta,
                                      E *y, float *stats, long first, long count, long width,
                                      float eps) {
  for (long row = first; row < first + count; row++) {
    const E *xr = x + row * width;
    E *yr = y + row * width;
    vf a = vset(0), b = vset(0);
    long j = 0;
    for (; j + 2 * CK_L <= width; j += 2 * CK_L) a += eload(xr + j), b += eload(xr + j + CK_L);
    for (; j < width; j += CK_L) a += eload_r(xr + j, width - j);
    float mean = vsum(a + b) / (float)width;
    vf m = vset(mean);
    a = vset(0), b = vset(0);
    for (j = 0; j + 2 * CK_L <= width; j += 2 * CK_L) {
      vf p = eload(xr + j) - m, q = eload(xr + j + CK_L) - m;
      a += p * p, b += q * q;
    }
    for (; j + CK_L <= width; j += CK_L) {
      vf p = eload(xr + j) - m;
      a += p * p;
    }
    float squares = vsum(a + b);
    for (; j < width; j++) squares += (eget(xr[j]) - mean) * (eget(xr[j]) - mean);
    float rstd = 1.0f / sqrtf(squares / (float)width + eps);
    for (j = 0; j < width; j += CK_L) {
      long r = width - j;
      vf xhat = (eload_r(xr + j, r) - m) * vset(rstd);
      estore_r(yr + j, xhat * aload_r(gamma + j, r) + aload_r(beta + j, r), r);
    }
    stats[2 * row] = mean;
    stats[2 * row + 1] = rstd;
  }
}

static void CKE(ck_layer_norm_backward)(const E *dy, const E *x, const float *stats,
                                       const A *gamma, E *dx, long first, long count,
                                       long width) {
  for (long row = first; row < first + count; row++) {
    const E *xr = x + row * width, *dyr = dy + row * width;
    E *dxr = dx + row * width;
    vf mean = vset(stats[2 * row]), rstd = vset(stats[2 * row + 1]);
    vf sum = vset(0), dot = vset(0);
    for (long j = 0; j < width; j += CK_L) {
      long r = width - j;
      vf g = eload_r(dyr + j, r) * aload_r(gamma + j, r);
      sum += g;
      dot += g * (eload_r(xr + j, r) - mean);
    }
    vf c1 = vset(vsum(sum) / (float)width);
    vf c2 = vset(vsum(dot) / (float)width) * rstd;
    for (long j = 0; j < width; j += CK_L) {
      long r = width - j;
      vf g = eload_r(dyr + j, r) * aload_r(gamma + j, r);
      vf xhat = (eload_r(xr + j, r) - mean) * rstd;
      estore_r(dxr + j, rstd * (g - c1 - xhat * c2), r);
    }
  }
}

// Sums of 64 rows are formed first, then added up: the order depends on `rows` only, and the
// rounding error grows with rows / 64.
#define CK_ROWS 64

static void CKE(ck_layer_norm_parameter_gradient)(const E *dy, const E *x,
                                                 const float *stats, A *dgamma, A *dbeta,
                                                 long rows, long width, long firstColumn,
                                                 long columns) {
  long end = firstColumn + columns;
  for (long j = firstColumn; j < end; j += 4 * CK_L) {
    vf totalG[4] = {vset(0), vset(0), vset(0), vset(0)};
    vf totalB[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (long base = 0; base < rows; base += CK_ROWS) {
      long stop = base + CK_ROWS < rows ? base + CK_ROWS : rows;
      vf g[4] = {vset(0), vset(0), vset(0), vset(0)};
      vf b[4] = {vset(0), vset(0), vset(0), vset(0)};
      if (end - j >= 4 * CK_L) {
        for (long row = base; row < stop; row++) {
          const E *xr = x + row * width + j, *dyr = dy + row * width + j;
          vf mean = vset(stats[2 * row]), rstd = vset(stats[2 * row + 1]);
          for (int v = 0; v < 4; v++) {
            vf d = eload(dyr + v * CK_L);
            g[v] += d * ((eload(xr + v * CK_L) - mean) * rstd);
            b[v] += d;
          }
        }
      } else {
        for (long row = base; row < stop; row++) {
          const E *xr = x + row * width, *dyr = dy + row * width;
          vf mean = vset(stats[2 * row]), rstd = vset(stats[2 * row + 1]);
          for (int v = 0; v < 4; v++) {
            long c = j + v * CK_L;
            if (c >= end) continue;
            vf d = eload_r(dyr + c, end - c);
            g[v] += d * ((eload_r(xr + c, end - c) - mean) * rstd);
            b[v] += d;
          }
        }
      }
      for (int v = 0; v < 4; v++) totalG[v] += g[v], totalB[v] += b[v];
    }
    for (int v = 0; v < 4; v++) {
      long c = j + v * CK_L;
      if (c >= end) continue;
      astore_r(dgamma + c, aload_r(dgamma + c, end - c) + totalG[v], end - c);
      astore_r(dbeta + c, aload_r(dbeta + c, end - c) + totalB[v], end - c);
    }
  }
}
#undef CK_ROWS
#endif
