#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "peak.c"
#include <time.h>
#include "targets.h"

CK_DISPATCH(double, ck_fma_burst, (float seed), (seed))
CK_DISPATCH(void, ck_triad, (const float *b, const float *c, float s, float *a, long n),
            (b, c, s, a, n))

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
/// As many products of two bfloat16 pairs, added to floats, that stay in registers.
__attribute__((target("avx512f,avx512bf16"))) static double pair_burst(void) {
  enum { CHAINS = 12, ROUNDS = 500000 };
  __m512 acc[CHAINS];
  __m512bh x = (__m512bh)_mm512_set1_epi32(0x3f003f00), y = (__m512bh)_mm512_set1_epi32(0x38003800);
  for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_set1_ps((float)i);
  for (long round = 0; round < ROUNDS; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_dpbf16_ps(acc[i], x, y);
  }
  __m512 sum = acc[0];
  for (int i = 1; i < CHAINS; i++) sum = _mm512_add_ps(sum, acc[i]);
  volatile float sink = _mm512_reduce_add_ps(sum);
  (void)sink;
  return 4.0 * 16 * CHAINS * (double)ROUNDS;
}
#endif

static double burst(int type) {
#if defined(__x86_64__)
  if (type == CK_BFLOAT16 && ck_multiplies_bfloat16_faster()) return pair_burst();
#endif
  (void)type;
  return ck_fma_burst(1);
}

// The best burst, not the mean: a burst that was interrupted says nothing about the core.
double ck_peak_flops(int type, double seconds) {
  double best = 0, start = now(), last = start;
  do {
    double flops = burst(type), after = now();
    if (flops / (after - last) > best) best = flops / (after - last);
    last = after;
  } while (last - start < seconds);
  return best;
}

double ck_triad_bytes(float *a, const float *b, const float *c, long n, double seconds) {
  double start = now(), bytes = 0, elapsed;
  do {
    ck_triad(b, c, 3.0f, a, n);
    bytes += 3.0 * sizeof(float) * (double)n;
    elapsed = now() - start;
  } while (elapsed < seconds);
  return bytes / elapsed;
}
#else

#define CK_CHAINS 12
#define CK_ROUNDS 500000

/// CK_CHAINS independent chains of multiply-adds in registers; returns the operations done.
static double CK(ck_fma_burst)(float seed) {
  vf acc[CK_CHAINS], x = vset(0.999999f), y = vset(1e-7f * (seed > 1 ? 1 : seed));
  for (int i = 0; i < CK_CHAINS; i++) acc[i] = vset((float)i);
  for (long round = 0; round < CK_ROUNDS; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CK_CHAINS; i++) acc[i] = acc[i] * x + y;
  }
  vf sum = vset(0);
  for (int i = 0; i < CK_CHAINS; i++) sum += acc[i];
  volatile float sink = vsum(sum);
  (void)sink;
  return 2.0 * CK_L * CK_CHAINS * (double)CK_ROUNDS;
}

static void CK(ck_triad)(const float *b, const float *c, float s, float *a, long n) {
  vf f = vset(s);
  for (long j = 0; j < n; j += CK_L)
    vstore_r(a + j, vload_r(c + j, n - j) * f + vload_r(b + j, n - j), n - j);
}
#undef CK_CHAINS
#undef CK_ROUNDS
#endif
