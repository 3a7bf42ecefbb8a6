// The vector vocabulary of one target: included by targets.h once per instruction set, so there is
// no include guard. `vf` has CK_L lanes; horizontal operations combine halves, in a fixed order.
#undef vf
#undef vi
#undef vload
#undef vstore
#undef vloadn
#undef vstoren
#undef vload_r
#undef vstore_r
#undef vset
#undef vsum
#undef vmax
#undef vmaxh
#undef vexp
#undef vexp2

typedef float CK(vf_) __attribute__((ext_vector_type(CK_L)));
typedef int32_t CK(vi_) __attribute__((ext_vector_type(CK_L)));
typedef float CK(vfu_) __attribute__((ext_vector_type(CK_L), aligned(4), may_alias));
#define vf CK(vf_)
#define vi CK(vi_)
#define vload CK(vload_)
#define vstore CK(vstore_)
#define vloadn CK(vloadn_)
#define vstoren CK(vstoren_)
#define vload_r CK(vload_r_)
#define vstore_r CK(vstore_r_)
#define vset CK(vset_)
#define vsum CK(vsum_)
#define vmax CK(vmax_)
#define vmaxh CK(vmaxh_)
#define vexp CK(vexp_)
#define vexp2 CK(vexp2_)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"

CK_INLINE vf vload(const float *p) { return *(const CK(vfu_) *)p; }
CK_INLINE void vstore(float *p, vf v) { *(CK(vfu_) *)p = v; }
CK_INLINE vf vset(float x) { return (vf)x; }

/// The first n < CK_L lanes from memory, the others 0; nothing beyond them is touched.
CK_INLINE vf vloadn(const float *p, long n) {
#if CK_TARGET >= 2
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  vf v = vset(0);
  for (long i = 0; i < CK_L; i++)
    if (i < n) v[i] = p[i];
  return v;
#endif
}

CK_INLINE void vstoren(float *p, vf v, long n) {
#if CK_TARGET >= 2
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  for (long i = 0; i < CK_L; i++)
    if (i < n) p[i] = v[i];
#endif
}

/// With r elements left in the row: a whole vector or the tail.
CK_INLINE vf vload_r(const float *p, long r) { return r >= CK_L ? vload(p) : vloadn(p, r); }
CK_INLINE void vstore_r(float *p, vf v, long r) {
  if (r >= CK_L) vstore(p, v);
  else vstoren(p, v, r);
}

/// The maximum; a NaN in b wins (the order of maxps).
CK_INLINE vf vmax(vf a, vf b) { return a > b ? a : b; }

CK_INLINE float vsum(vf v) {
#if CK_L == 16
  __auto_type h = v.lo + v.hi;
  __auto_type q = h.lo + h.hi;
#elif CK_L == 8
  __auto_type q = v.lo + v.hi;
#else
  __auto_type q = v;
#endif
  __auto_type d = q.lo + q.hi;
  return d.x + d.y;
}

CK_INLINE float vmaxh(vf v) {
  float m = v[0];
  for (int i = 1; i < CK_L; i++) m = v[i] > m ? v[i] : m;
  return m;
}

/// e^x to about 1e-7 relative (Cephes expf: ln 2 in two parts, polynomial of degree 7).
/// Below about -87 the result is 0 or near it, never subnormal, which would cost hundreds of cycles;
/// above 88.73 it is infinity; NaN stays.
CK_INLINE vf vexp(vf x) {
  const vf magic = vset(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
#if CK_TARGET >= 2
  __mmask16 normal = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ);
#else
  x = vset(-87.5f) > x ? vset(-87.5f) : x;
#endif
  x = vset(89.0f) < x ? vset(89.0f) : x;
  vf t = x * vset(1.44269504088896341f) + magic;
  vf n = t - magic;
  vf r = n * vset(-0.693359375f) + x;
  r = n * vset(2.12194440e-4f) + r;
  vf p = r * vset(1.9875691500e-4f) + vset(1.3981999507e-3f);
  p = p * r + vset(8.3334519073e-3f);
  p = p * r + vset(4.1665795894e-2f);
  p = p * r + vset(1.6666665459e-1f);
  p = p * r + vset(5.0000001201e-1f);
  vf y = p * (r * r) + r;
  y = y + vset(1.0f);
#if CK_TARGET >= 2
  return (vf)_mm512_maskz_scalef_ps(normal, (__m512)y, (__m512)n);
#else
  // 2^(n-1) and once more 2, so that n = 128 does not overflow early.
  vi e = (vi)t - (vi)magic;
  vf s = (vf)((e + 126) << 23);
  return y * s * vset(2.0f);
#endif
}

/// 2^x to about 1e-7 relative, cheaper than vexp: x minus its nearest integer is exact, and the
/// rest is a minimax polynomial of degree 6 on [-1/2, 1/2] (error 2e-9 before rounding).
/// Below -125.5 the result is 0 or near it, never subnormal; above 128 it is infinity; NaN stays.
CK_INLINE vf vexp2(vf x) {
#if CK_TARGET >= 2
  __mmask16 normal = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-125.5f), _CMP_NLT_UQ);
  x = vset(129.0f) < x ? vset(129.0f) : x;
  vf n = (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  x = vset(-126.4f) > x ? vset(-126.4f) : x;
  x = vset(128.4f) < x ? vset(128.4f) : x;
  const vf magic = vset(12582912.0f);
  vf t = x + magic, n = t - magic;
#endif
  vf r = x - n;
  vf p = r * vset(1.5353599e-4f) + vset(1.3398852e-3f);
  p = p * r + vset(9.6184364e-3f);
  p = p * r + vset(5.5503325e-2f);
  p = p * r + vset(2.4022648e-1f);
  p = p * r + vset(6.9314720e-1f);
  p = p * r + vset(1.0f);
#if CK_TARGET >= 2
  return (vf)_mm512_maskz_scalef_ps(normal, (__m512)p, (__m512)n);
#else
  vi e = (vi)t - (vi)magic;
  return p * (vf)((e + 126) << 23) * vset(2.0f);
#endif
}

#pragma clang diagnostic pop
