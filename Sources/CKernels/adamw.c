#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "adamw.c"
#include "targets.h"

CK_DISPATCH(void, ck_adamw,
            (float *w, float *m, float *v, const float *g, long n, const ck_adamw_step *step),
            (w, m, v, g, n, step))
CK_DISPATCH(void, ck_adamw_split,
            (uint16_t *w, int16_t *low, float *m, float *v, const float *g, long n,
             const ck_adamw_step *step),
            (w, low, m, v, g, n, step))

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
CK_INLINE vf CK(updated)(vf w, vf *m, vf *v, vf g, const ck_adamw_step *step) {
  g = g * vset(step->gradient_scale);
  *m = (g - *m) * vset(step->lerp) + *m;
  *v = (vset(step->one_minus_beta2) * g) * g + *v * vset(step->beta2);
  vf denominator = __builtin_elementwise_sqrt(*v) / vset(step->root_correction2) + vset(step->eps);
  return w * vset(step->keep) - vset(step->step_size) * (*m / denominator);
}

static void CK(ck_adamw)(float *w, float *m, float *v, const float *g, long n,
                         const ck_adamw_step *step) {
  for (long j = 0; j < n; j += CK_L) {
    long r = n - j;
    vf mj = vload_r(m + j, r), vj = vload_r(v + j, r);
    vstore_r(w + j, CK(updated)(vload_r(w + j, r), &mj, &vj, vload_r(g + j, r), step), r);
    vstore_r(m + j, mj, r);
    vstore_r(v + j, vj, r);
  }
}

typedef uint32_t CK(word_) __attribute__((ext_vector_type(CK_L)));
typedef uint16_t CK(half_) __attribute__((ext_vector_type(CK_L), aligned(2), may_alias));
typedef int16_t CK(low_) __attribute__((ext_vector_type(CK_L), aligned(2), may_alias));

/// A float is the upper half, rounded to the nearest (ties away from zero), plus the signed lower.
CK_INLINE void CK(split)(uint16_t *w, int16_t *low, float *m, float *v, const float *g,
                         const ck_adamw_step *step, int n) {
  CK(word_) word = (CK(word_))0u;
  if (n == CK_L)
    word = (__builtin_convertvector(*(CK(half_) *)w, CK(word_)) << 16) +
           (CK(word_))__builtin_convertvector(*(CK(low_) *)low, vi);
  else
    for (int i = 0; i < CK_L; i++)
      if (i < n) word[i] = ((uint32_t)w[i] << 16) + (uint32_t)(int32_t)low[i];
  vf mj = vload_r(m, n), vj = vload_r(v, n);
  word = (CK(word_))CK(updated)((vf)word, &mj, &vj, vload_r(g, n), step);
  vstore_r(m, mj, n);
  vstore_r(v, vj, n);
  CK(word_) upper = (word + 0x8000u) >> 16, lower = word - (upper << 16);
  if (n == CK_L) {
    *(CK(half_) *)w = __builtin_convertvector(upper, CK(half_));
    *(CK(low_) *)low = __builtin_convertvector((vi)lower, CK(low_));
  } else {
    for (int i = 0; i < CK_L; i++)
      if (i < n) w[i] = (uint16_t)upper[i], low[i] = (int16_t)lower[i];
  }
}

static void CK(ck_adamw_split)(uint16_t *w, int16_t *low, float *m, float *v, const float *g,
                               long n, const ck_adamw_step *step) {
  long j = 0;
  for (; j + CK_L <= n; j += CK_L) CK(split)(w + j, low + j, m + j, v + j, g + j, step, CK_L);
  if (j < n) CK(split)(w + j, low + j, m + j, v + j, g + j, step, (int)(n - j));
}
#endif
