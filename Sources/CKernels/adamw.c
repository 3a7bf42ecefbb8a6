#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "adamw.c"
#include "targets.h"

CK_DISPATCH(void, ck_adamw,
            (float *w, float *m, float *v, const float *g, long n, const ck_adamw_step *step),
            (w, m, v, g, n, step))

ck_adamw_step ck_adamw_prepare(double rate, double beta1, double beta2, double eps, double decay,
                               long step, double gradientScale) {
  double correction1 = 1 - pow(beta1, (double)step), correction2 = 1 - pow(beta2, (double)step);
  ck_adamw_step s = {
      .keep = (float)(1 - rate * decay),
      .lerp = (float)(1 - beta1),
      .beta2 = (float)beta2,
      .one_minus_beta2 = (float)(1 - beta2),
      .root_correction2 = (float)sqrt(correction2),
      .eps = (float)eps,
      .step_size = (float)(rate / correction1),
      .gradient_scale = (float)gradientScale,
  };
  return s;
}
#else

// torch.optim.AdamW: decay, lerp of m, v, denominator sqrt(v) / sqrt(correction2) + eps, update.
static void CK(ck_adamw)(float *w, float *m, float *v, const float *g, long n,
                         const ck_adamw_step *step) {
  vf keep = vset(step->keep), lerp = vset(step->lerp), beta2 = vset(step->beta2);
  vf rest2 = vset(step->one_minus_beta2), root = vset(step->root_correction2);
  vf eps = vset(step->eps), size = vset(step->step_size), scale = vset(step->gradient_scale);
  for (long j = 0; j < n; j += CK_L) {
    long r = n - j;
    vf gj = vload_r(g + j, r) * scale;
    vf mj = vload_r(m + j, r), vj = vload_r(v + j, r) * beta2;
    mj = (gj - mj) * lerp + mj;
    vj = (rest2 * gj) * gj + vj;
    vf denominator = __builtin_elementwise_sqrt(vj) / root + eps;
    vf wj = vload_r(w + j, r) * keep;
    vstore_r(w + j, wj - size * (mj / denominator), r);
    vstore_r(m + j, mj, r);
    vstore_r(v + j, vj, r);
  }
}
#endif
