// How one type of element is read into vectors of float and written back: included by targets.h for
// each instruction set and type, so there is no include guard. `E` is the type in memory.
//
// Bfloat16 is the upper half of a float: reading is exact, writing rounds to the nearest, ties to
// even, alike on every path; a no-number stays one, and subnormals stay as well.
#undef E
#undef eload
#undef estore
#undef eload_r
#undef estore_r
#undef eget
#undef eput
#define E CKE(element_)
#define eload CKE(eload_)
#define estore CKE(estore_)
#define eload_r CKE(eload_r_)
#define estore_r CKE(estore_r_)
#define eget CKE(eget_)
#define eput CKE(eput_)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"

#if CK_TYPE == CK_FLOAT32
typedef float E;
CK_INLINE vf eload(const E *p) { return vload(p); }
CK_INLINE void estore(E *p, vf v) { vstore(p, v); }
CK_INLINE vf eload_r(const E *p, long r) { return vload_r(p, r); }
CK_INLINE void estore_r(E *p, vf v, long r) { vstore_r(p, v, r); }
CK_INLINE float eget(E x) { return x; }
CK_INLINE E eput(float x) { return x; }
#else
typedef uint16_t E;
typedef uint16_t CKE(half_) __attribute__((ext_vector_type(CK_L)));
typedef uint16_t CKE(halfu_) __attribute__((ext_vector_type(CK_L), aligned(2), may_alias));
typedef uint32_t CKE(word_) __attribute__((ext_vector_type(CK_L)));

CK_INLINE vf CKE(widen)(CKE(half_) h) {
  return (vf)(__builtin_convertvector(h, CKE(word_)) << 16);
}
CK_INLINE CKE(half_) CKE(narrow)(vf v) {
  CKE(word_) u = (CKE(word_))v, rounded = u + 0x7fffu + ((u >> 16) & 1u);
  rounded = (u & 0x7fffffffu) > 0x7f800000u ? (u | 0x400000u) : rounded;
  return __builtin_convertvector(rounded >> 16, CKE(half_));
}
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
#endif

#pragma clang diagnostic pop
