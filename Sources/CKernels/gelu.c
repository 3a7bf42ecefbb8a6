#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "gelu.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_gelu_forward, (int type, const void *z, void *g, long n), (z, g, n))
CK_DISPATCH_TYPED(void, ck_gelu_backward,
                  (int type, const void *dg, const void *z, void *dz, long n), (dg, z, dz, n))
CK_DISPATCH(void, ck_exp, (const float *x, float *y, long n), (x, y, n))
CK_DISPATCH(void, ck_exp2, (const float *x, float *y, long n), (x, y, n))
#else

// 0.5 (1 + tanh u) is the sigmoid of 2u, which has no cancellation: 1 / (1 + 2^-t), with
// t = 2 log2(e) u = x (A + A B x^2).
#define CK_GELU_A 2.3022082f  // 2 sqrt(2/pi) log2(e)
#define CK_GELU_B 0.044715f
#define CK_GELU_C 1.5957691f  // 2 sqrt(2/pi)

static void CKE(ck_gelu_forward)(const E *z, E *g, long n) {
  for (long j = 0; j < n; j += CK_L) {
    vf x = eload_r(z + j, n - j);
    vf t = x * (x * x * vset(CK_GELU_A * CK_GELU_B) + vset(CK_GELU_A));
    estore_r(g + j, x / (vset(1) + vexp2(-t)), n - j);
  }
}

static void CKE(ck_gelu_backward)(const E *dg, const E *z, E *dz, long n) {
  for (long j = 0; j < n; j += CK_L) {
    vf x = eload_r(z + j, n - j), x2 = x * x;
    vf t = x * (x2 * vset(CK_GELU_A * CK_GELU_B) + vset(CK_GELU_A));
    t = vset(-126) > t ? vset(-126) : t;  // keeps e finite: e * s must not be infinity times 0
    vf e = vexp2(-t), s = vset(1) / (vset(1) + e);
    vf dt = x2 * vset(3 * CK_GELU_C * CK_GELU_B) + vset(CK_GELU_C);
    vf slope = s + x * dt * (e * s) * s;
    estore_r(dz + j, eload_r(dg + j, n - j) * slope, n - j);
  }
}

#if CK_TYPE == CK_FLOAT32
static void CK(ck_exp)(const float *x, float *y, long n) {
  for (long j = 0; j < n; j += CK_L) vstore_r(y + j, vexp(vload_r(x + j, n - j)), n - j);
}

static void CK(ck_exp2)(const float *x, float *y, long n) {
  for (long j = 0; j < n; j += CK_L) vstore_r(y + j, vexp2(vload_r(x + j, n - j)), n - j);
}
#endif
#endif
