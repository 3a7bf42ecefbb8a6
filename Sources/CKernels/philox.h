// Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), CK_L counters
// at a time: included once per instruction set, like vec.h, so there is no include guard.
#undef vu
#define vu CK(vu_)

typedef uint32_t CK(vu_) __attribute__((ext_vector_type(CK_L)));
typedef uint64_t CK(vul_) __attribute__((ext_vector_type(CK_L / 2)));

/// The upper halves of x * m, even and odd lanes apart (their order is that of little-endian).
CK_INLINE vu CK(multiply_high)(vu x, uint32_t m) {
  const CK(vul_) lower = (CK(vul_))0xFFFFFFFFull, factor = (CK(vul_))(uint64_t)m;
  CK(vul_) pairs = (CK(vul_))x;
  CK(vul_) even = (pairs & lower) * factor, odd = (pairs >> 32) * factor;
  return (vu)((even >> 32) | (odd & ~lower));
}

/// Four words of 32 random bits for each of CK_L counters.
CK_INLINE void CK(philox)(vu c[4], uint32_t key0, uint32_t key1) {
#pragma clang loop unroll(full)
  for (int round = 0; round < 10; round++) {
    vu high0 = CK(multiply_high)(c[0], 0xD2511F53u), low0 = c[0] * (vu)0xD2511F53u;
    vu high1 = CK(multiply_high)(c[2], 0xCD9E8D57u), low1 = c[2] * (vu)0xCD9E8D57u;
    c[0] = high1 ^ c[1] ^ (vu)key0;
    c[1] = low1;
    c[2] = high0 ^ c[3] ^ (vu)key1;
    c[3] = low0;
    key0 += 0x9E3779B9u;  // the golden ratio
    key1 += 0xBB67AE85u;  // the square root of 3, less 1
  }
}

/// What four rows of CK_L elements are multiplied by: d->scale where they are kept, else 0.
///
/// The elements are columns [column, column + CK_L) of rows 4 rowGroup to 4 rowGroup + 3.
CK_INLINE void CK(keep)(vf factors[4], const ck_dropout *d, uint32_t column, uint32_t rowGroup,
                        uint32_t sequence) {
  static const uint32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vu first, c[4];
  memcpy(&first, lanes, sizeof first);
  c[0] = first + (vu)column;
  c[1] = (vu)rowGroup;
  c[2] = (vu)sequence;
  c[3] = (vu)d->stream;
  CK(philox)(c, d->seed, d->step);
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    factors[i] = (vf)((vi)(c[i] < (vu)d->threshold) & (vi)vset(d->scale));
}
