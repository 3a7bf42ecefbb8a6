// How one type of element is read into vectors of float and written back: included by targets.h for
// each instruction set and type, so there is no include guard. `E` is the type in memory.
//
// Bfloat16 is the upper half of a float, float16 has 5 bits of exponent and 10 of precision: reading
// is exact, writing rounds to the nearest, ties to even, alike on every path; a no-number stays one,
// subnormals stay as well, and what is beyond the type's range becomes infinite.
//
// `A` is the type of gains and biases, and of what gradients of weights add up in: float beside
// float and bfloat16; float16 beside float16, which has nothing wider.
#undef E
#undef eload
#undef estore
#undef eload_r
#undef estore_r
#undef eget
#undef eput
#undef etrip
#undef A
#undef aload_r
#undef astore_r
#define E CKE(element_)
#define eload CKE(eload_)
#define estore CKE(estore_)
#define eload_r CKE(eload_r_)
#define estore_r CKE(estore_r_)
#define eget CKE(eget_)
#define eput CKE(eput_)
#define etrip CKE(etrip_)
#define A CKE(sum_)
#if CK_TYPE == CK_FLOAT16
#define aload_r eload_r
#define astore_r estore_r
#else
#define aload_r vload_r
#define astore_r vstore_r
#endif

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"

#if CK_TYPE == CK_FLOAT32
typedef float E;
typedef float A;
CK_INLINE vf eload(const E *p) { return vload(p); }
CK_INLINE void estore(E *p, vf v) { vstore(p, v); }
CK_INLINE vf eload_r(const E *p, long r) { return vload_r(p, r); }
CK_INLINE void estore_r(E *p, vf v, long r) { vstore_r(p, v, r); }
CK_INLINE float eget(E x) { return x; }
CK_INLINE E eput(float x) { return x; }
/// What is left of v after a trip through E.
CK_INLINE vf etrip(vf v) { return v; }
#else
typedef uint16_t E;
typedef uint16_t CKE(half_) __attribute__((ext_vector_type(CK_L)));
typedef uint16_t CKE(halfu_) __attribute__((ext_vector_type(CK_L), aligned(2), may_alias));
typedef uint32_t CKE(word_) __attribute__((ext_vector_type(CK_L)));

#if CK_TYPE == CK_BFLOAT16
typedef float A;

CK_INLINE vf CKE(widen)(CKE(half_) h) {
  return (vf)(__builtin_convertvector(h, CKE(word_)) << 16);
}
CK_INLINE CKE(half_) CKE(narrow)(vf v) {
#if CK_TARGET >= 3
  // The instruction takes subnormals (class 0x20) for zero.
  if (__builtin_expect(!_mm512_fpclass_ps_mask((__m512)v, 0x20), 1))
    return (CKE(half_))_mm512_cvtneps_pbh((__m512)v);
#endif
  CKE(word_) u = (CKE(word_))v, rounded = u + 0x7fffu + ((u >> 16) & 1u);
  rounded = (u & 0x7fffffffu) > 0x7f800000u ? (u | 0x400000u) : rounded;
  return __builtin_convertvector(rounded >> 16, CKE(half_));
}
#else
typedef E A;

CK_INLINE vf CKE(widen)(CKE(half_) h) {
#if CK_TARGET >= 2
  return (vf)_mm512_cvtph_ps((__m256i)h);
#elif CK_TARGET == 1
  return (vf)_mm256_cvtph_ps((__m128i)h);
#else
  CKE(word_) u = __builtin_convertvector(h, CKE(word_)), a = u & 0x7fffu;
  // Below 2^-14 float16 has steps of 2^-24, as float has next to 1/2.
  CKE(word_) small = (CKE(word_))((vf)(a | 0x3f000000u) - vset(0.5f));
  CKE(word_) large = (a << 13) + (112u << 23);
  CKE(word_) wide = a < 0x400u ? small : large;
  wide = a >= 0x7c00u ? large + (112u << 23) : wide;
  wide = a > 0x7c00u ? wide | 0x400000u : wide;
  return (vf)(wide | (u & 0x8000u) << 16);
#endif
}
CK_INLINE CKE(half_) CKE(narrow)(vf v) {
#if CK_TARGET >= 2
  return (CKE(half_))_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif CK_TARGET == 1
  return (CKE(half_))_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  CKE(word_) u = (CKE(word_))v, a = u & 0x7fffffffu;
  CKE(word_) small = (CKE(word_))((vf)a + vset(0.5f)) - 0x3f000000u;
  CKE(word_) large = ((a + 0xfffu + ((a >> 13) & 1u)) >> 13) - (112u << 10);
  CKE(word_) half = a < 0x38800000u ? small : large;            // 2^-14
  half = a >= 0x477ff000u ? (CKE(word_))0x7c00u : half;         // 65,520
  half = a > 0x7f800000u ? (a >> 13 & 0x3ffu) | 0x7e00u : half;  // no number
  return __builtin_convertvector(half | (u >> 16 & 0x8000u), CKE(half_));
#endif
}
#endif
CK_INLINE vf etrip(vf v) { return CKE(widen)(CKE(narrow)(v)); }
CK_INLINE vf eload(const E *p) { return CKE(widen)(*(const CKE(halfu_) *)p); }
CK_INLINE void estore(E *p, vf v) { *(CKE(halfu_) *)p = CKE(narrow)(v); }
CK_INLINE vf eload_r(const E *p, long r) {
  if (r >= CK_L) return eload(p);
  CKE(half_) h = (CKE(half_))(uint16_t)0;
  for (long i = 0; i < CK_L; i++)
    if (i < r) h[i] = p[i];
  return CKE(widen)(h);
}
CK_INLINE void estore_r(E *p, vf v, long r) {
  if (r >= CK_L) return estore(p, v);
  CKE(half_) h = CKE(narrow)(v);
  for (long i = 0; i < CK_L; i++)
    if (i < r) p[i] = h[i];
}
#if CK_TYPE == CK_BFLOAT16
CK_INLINE float eget(E x) {
  uint32_t u = (uint32_t)x << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}
CK_INLINE E eput(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
  return (E)(((u & 0x7fffffffu) > 0x7f800000u ? (u | 0x400000u) : rounded) >> 16);
}
#else
CK_INLINE float eget(E x) { return CKE(widen)((CKE(half_))x)[0]; }
CK_INLINE E eput(float x) { return CKE(narrow)(vset(x))[0]; }
#endif
#endif

#pragma clang diagnostic pop
