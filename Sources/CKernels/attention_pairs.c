// Causal attention of bfloat16 in bfloat16: attention.c's algorithm, multiplied by VDPBF16PS, which
// adds the products of two pairs of bfloat16 to each float lane.
//
// So operands lie in pairs along what is summed over: of columns as rows have them, of rows after
// packing (`pairs`), transposed by words for columns of queries. Probabilities and the gradients of
// scores are narrowed as operands; scores, sums and statistics are floats. Scores are scaled after
// their product, for queries to stay as they are.
// Query tiles are CK_TILE wide, and visit keys by CK_KEYS at a time, but none of a tile above the
// diagonal.
#include "attention_pairs.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define CK_INLINE static inline __attribute__((always_inline))
#define CK_TARGET 3
#define CK_L 16
#define CK_MR 8
#define CK(name) name##_pairs
#define CKE(name) name##_pairs
#define CK_TYPE CK_BFLOAT16
#define CK_TILE 32
#define CK_KEYS 64
#define CK_LOG2E 1.4426950408889634
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#include "vec.h"
#include "element.h"
#include "philox.h"

/// Two bfloat16; the lower half comes first in memory.
typedef uint32_t pair;
typedef enum { START_ZERO, START_ADD, START_SCALE } start_kind;

CK_INLINE long least(long a, long b) { return a < b ? a : b; }
CK_INLINE long rounded_up(long n, long to) { return (n + to - 1) / to * to; }
CK_INLINE __m512i load_pairs(const pair *p) { return _mm512_loadu_si512(p); }
CK_INLINE void store_pairs(pair *p, __m512i v) { _mm512_storeu_si512(p, v); }

/// C[CK_MR][nv vectors] (+)= sum over p < k of A(i, p) · B[p][.], A(i, p) = a[i * ai + p * ap].
/// START_SCALE multiplies the columns of the old C by alpha first.
CK_INLINE void block(float *c, long ldc, const pair *a, long ai, long ap, const pair *b, long ldb,
                     long k, int nv, start_kind start, const float *alpha) {
  vf acc[CK_MR][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < CK_MR; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) {
      acc[i][v] = start == START_ZERO ? vset(0) : vload(c + i * ldc + v * CK_L);
      if (start == START_SCALE) acc[i][v] *= vload(alpha + v * CK_L);
    }
  for (long p = 0; p < k; p++) {
    __m512i x[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) x[v] = load_pairs(b + p * ldb + v * CK_L);
#pragma clang loop unroll(full)
    for (int i = 0; i < CK_MR; i++) {
      __m512i y = _mm512_set1_epi32((int)a[i * ai + p * ap]);
#pragma clang loop unroll(full)
      for (int v = 0; v < nv; v++)
        acc[i][v] = (vf)_mm512_dpbf16_ps((__m512)acc[i][v], (__m512bh)y, (__m512bh)x[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < CK_MR; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) vstore(c + i * ldc + v * CK_L, acc[i][v]);
}

/// The same for m rows (a multiple of CK_MR) and n columns (a multiple of CK_L).
CK_INLINE void product(float *c, long ldc, const pair *a, long ai, long ap, const pair *b, long ldb,
                       long m, long n, long k, start_kind start, const float *alpha) {
  long j = 0;
  for (; j + 2 * CK_L <= n; j += 2 * CK_L)
    for (long i = 0; i < m; i += CK_MR)
      block(c + i * ldc + j, ldc, a + i * ai, ai, ap, b + j, ldb, k, 2, start, alpha + j);
  for (; j < n; j += CK_L)
    for (long i = 0; i < m; i += CK_MR)
      block(c + i * ldc + j, ldc, a + i * ai, ai, ap, b + j, ldb, k, 1, start, alpha + j);
}

/// Rows of `width` elements out of a wide buffer, padded with zeros on both sides: ld / 2 pairs each.
CK_INLINE void pack_rows(pair *out, long ld, long rowsPadded, const E *x, long stride, long rows,
                         long width) {
  for (long i = 0; i < rowsPadded; i++)
    for (long j = 0; j < ld; j += 32) {
      long r = i < rows ? least(width - j, 32) : 0;
      __mmask32 read = r > 0 ? (__mmask32)((1ull << r) - 1) : 0;
      __mmask32 written = ld - j < 32 ? 0xffff : 0xffffffff;
      __m512i v = _mm512_maskz_loadu_epi16(read, x + i * stride + j);
      _mm512_mask_storeu_epi16((E *)out + i * ld + j, written, v);
    }
}

/// An even number of packed rows as pairs of rows: [rows / 2][ld].
CK_INLINE void pair_rows(pair *out, const pair *in, long ld, long rows) {
  const E *x = (const E *)in;
  for (long i = 0; i < rows; i += 2)
    for (long j = 0; j < ld; j += CK_L) {
      __m512i lower = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(x + i * ld + j)));
      __m512i upper =
          _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(x + (i + 1) * ld + j)));
      store_pairs(out + i / 2 * ld + j, _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16)));
    }
}

/// 16 rows of 16 words as columns.
CK_INLINE void transpose_words(__m512i r[16]) {
  __m512i t[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4)
#pragma clang loop unroll(full)
    for (int k = 0; k < 2; k++) {
      r[i + 2 * k] = _mm512_unpacklo_epi64(t[i + k], t[i + k + 2]);
      r[i + 2 * k + 1] = _mm512_unpackhi_epi64(t[i + k], t[i + k + 2]);
    }
  // Now quarter q of r[4 g + c] is column 4 q + c of rows 4 g to 4 g + 3.
#pragma clang loop unroll(full)
  for (int c = 0; c < 4; c++) {
    t[c] = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88);
    t[4 + c] = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
    t[8 + c] = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
    t[12 + c] = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
  }
#pragma clang loop unroll(full)
  for (int c = 0; c < 4; c++) {
    r[c] = _mm512_shuffle_i32x4(t[c], t[8 + c], 0x88);
    r[8 + c] = _mm512_shuffle_i32x4(t[c], t[8 + c], 0xdd);
    r[4 + c] = _mm512_shuffle_i32x4(t[4 + c], t[12 + c], 0x88);
    r[12 + c] = _mm512_shuffle_i32x4(t[4 + c], t[12 + c], 0xdd);
  }
}

/// A packed tile [CK_TILE][ld / 2] as [ld / 2][CK_TILE].
CK_INLINE void transpose_tile(pair *out, const pair *in, long ld) {
  for (long i = 0; i < CK_TILE; i += 16)
    for (long d = 0; d < ld / 2; d += 16) {
      __m512i r[16];
      // An odd number of sixteens of elements ends in half a vector.
      __mmask16 read = ld / 2 - d < 16 ? 0xff : 0xffff;
      for (int k = 0; k < 16; k++)
        r[k] = _mm512_maskz_loadu_epi32(read, in + (i + k) * (ld / 2) + d);
      transpose_words(r);
      for (int k = 0; k < least(16, ld / 2 - d); k++)
        store_pairs(out + (d + k) * CK_TILE + i, r[k]);
    }
}

/// Columns [queries] of a tile [headDim][CK_TILE], times factors, as rows of `stride` elements.
CK_INLINE void write_columns(E *out, long stride, const float *in, const float *factors,
                             long queries, long headDim) {
  for (long i = 0; i < queries; i += 16) {
    vf factor = vload(factors + i);
    for (long d = 0; d < headDim; d += 16) {
      __m512i r[16];
      for (int k = 0; k < 16; k++) r[k] = (__m512i)(vload(in + (d + k) * CK_TILE + i) * factor);
      transpose_words(r);
      for (int k = 0; k < least(16, queries - i); k++)
        estore_r(out + (i + k) * stride + d, (vf)r[k], headDim - d);
    }
  }
}

/// Lanes of two vectors of floats, narrowed, as they follow each other.
CK_INLINE __m512i narrow2(vf lower, vf upper) {
  return (__m512i)_mm512_cvtne2ps_pbh((__m512)upper, (__m512)lower);
}

/// The same in turns: a pair for each lane.
CK_INLINE __m512i narrow_in_turns(vf lower, vf upper) {
  static const uint16_t order[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                     21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                     11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), narrow2(lower, upper));
}

/// Minus infinity where the key comes after the query, in the tile on the diagonal.
CK_INLINE void mask_tile(float *s) {
  for (long key = 1; key < CK_TILE; key++)
    for (long query = 0; query < key; query += CK_L) {
      __mmask16 later = (__mmask16)((1ull << least(key - query, CK_L)) - 1);
      _mm512_mask_storeu_ps(s + key * CK_TILE + query, later, _mm512_set1_ps(-INFINITY));
    }
}

/// Scores of `keys` to pairs of probabilities relative to the running maximum, kept or not; alpha is
/// what older sums shrink by. A probability is that among all keys, so sums come before dropout.
CK_INLINE void softmax_tile(const float *s, pair *p, long keys, float factor, float *max,
                            float *sum, float *alpha, const ck_dropout *dropout, long i0, long j0) {
  for (long v = 0; v < CK_TILE; v += CK_L) {
    vf a = vset(-INFINITY), b = a;
    for (long key = 0; key < keys; key += 2) {
      a = vmax(a, vload(s + key * CK_TILE + v));
      b = vmax(b, vload(s + (key + 1) * CK_TILE + v));
    }
    vf old = vload(max + v), m = vmax(old, vmax(a, b) * vset(factor)), rescale = vexp2(old - m);
    vf t0 = vset(0), t1 = vset(0);
    for (long key = 0; key < keys; key += 4) {
      vf e[4], kept[4];
#pragma clang loop unroll(full)
      for (int k = 0; k < 4; k++) e[k] = vexp2(vload(s + (key + k) * CK_TILE + v) * factor - m);
      t0 += e[0] + e[2], t1 += e[1] + e[3];
      if (dropout) {
        CK(keep)(kept, dropout, (uint32_t)(i0 + v), (uint32_t)((j0 + key) / 4), dropout->sequence);
        for (int k = 0; k < 4; k++) e[k] *= kept[k];
      }
      store_pairs(p + key / 2 * CK_TILE + v, narrow_in_turns(e[0], e[1]));
      store_pairs(p + (key / 2 + 1) * CK_TILE + v, narrow_in_turns(e[2], e[3]));
    }
    vstore(max + v, m);
    vstore(alpha + v, rescale);
    vstore(sum + v, vload(sum + v) * rescale + (t0 + t1));
  }
}

/// Of `keys` scores s and gradients dp of probabilities: probabilities p and gradients ds of scores,
/// in rows of keys, the latter also in pairs of keys.
CK_INLINE void gradient_tile(const float *s, const float *dp, pair *p, pair *ds, pair *dsPairs,
                             long keys, float factor, const float *norm, const float *delta,
                             const ck_dropout *dropout, long i0, long j0) {
  vf n[2] = {vload(norm), vload(norm + CK_L)}, d[2] = {vload(delta), vload(delta + CK_L)};
  for (long key = 0; key < keys; key += 4) {
    vf e[4][2], g[4][2];
#pragma clang loop unroll(full)
    for (int v = 0; v < 2; v++) {
      vf kept[4];
      if (dropout)
        CK(keep)(kept, dropout, (uint32_t)(i0 + v * CK_L), (uint32_t)((j0 + key) / 4),
                 dropout->sequence);
#pragma clang loop unroll(full)
      for (int k = 0; k < 4; k++) {
        long at = (key + k) * CK_TILE + v * CK_L;
        vf gradient = vload(dp + at);
        e[k][v] = vexp2(vload(s + at) * factor - n[v]);
        // The gradient of what was kept; `delta` needs no change, for o has its own mask in it.
        if (dropout) gradient *= kept[k];
        g[k][v] = e[k][v] * (gradient - d[v]);
        if (dropout) e[k][v] *= kept[k];
      }
      for (int k = 0; k < 4; k += 2)
        store_pairs(dsPairs + (key + k) / 2 * CK_TILE + v * CK_L,
                    narrow_in_turns(g[k][v], g[k + 1][v]));
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      store_pairs(p + (key + k) * (CK_TILE / 2), narrow2(e[k][0], e[k][1]));
      store_pairs(ds + (key + k) * (CK_TILE / 2), narrow2(g[k][0], g[k][1]));
    }
  }
}

/// Each query's sum over d of do * o, and its log-sum-exp in powers of 2.
CK_INLINE void row_terms(float *delta, float *norm, const E *o, long width, const pair *doRows,
                         long ld, const float *lse, long heads, long queries, long headDim) {
  for (long i = 0; i < CK_TILE; i++) {
    // A padded query has infinity: its probabilities vanish.
    norm[i] = i < queries ? (float)(lse[i * heads] * CK_LOG2E) : INFINITY;
    vf dot = vset(0);
    if (i < queries)
      for (long d = 0; d < headDim; d += CK_L)
        dot += eload_r(o + i * width + d, headDim - d) * eload((const E *)doRows + i * ld + d);
    delta[i] = vsum(dot);
  }
}

CK_INLINE void *aligned(float *p) { return (void *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }

long ck_attention_forward_pairs(const E *qkv, E *o, float *lse, long sequence, long heads,
                                long headDim, long sequenceIndex, long head,
                                const ck_dropout *dropout, float *scratch) {
  long width = heads * headDim, stride = 3 * width, ld = rounded_up(headDim, 16), visited = 0;
  long rows = rounded_up(sequence, CK_TILE), half = ld / 2;
  const E *q = qkv + sequenceIndex * sequence * stride + head * headDim;
  pair *keys = aligned(scratch), *values = keys + rows * half, *qT = values + rows * half;
  pair *qRows = qT + CK_TILE * half;
  float *oT = (float *)(qRows + CK_TILE * half);
  _Alignas(64) float s[CK_KEYS * CK_TILE], max[CK_TILE], sum[CK_TILE], alpha[CK_TILE];
  _Alignas(64) pair p[CK_KEYS / 2 * CK_TILE];
  // Values go to the place of pairs by way of that of keys.
  pack_rows(keys, ld, rows, q + 2 * width, stride, sequence, headDim);
  pair_rows(values, keys, ld, rows);
  pack_rows(keys, ld, rows, q + width, stride, sequence, headDim);
  float factor = (float)(CK_LOG2E / sqrt((double)headDim));

  for (long i0 = 0; i0 < sequence; i0 += CK_TILE) {
    long queries = least(CK_TILE, sequence - i0), token = sequenceIndex * sequence + i0;
    pack_rows(qRows, ld, CK_TILE, q + i0 * stride, stride, queries, headDim);
    transpose_tile(qT, qRows, ld);
    for (int i = 0; i < CK_TILE; i++) max[i] = -INFINITY, sum[i] = 0;
    for (long j0 = 0; j0 <= i0; j0 += CK_KEYS) {
      long count = least(CK_KEYS, i0 + CK_TILE - j0);
      visited += queries * least(count, sequence - j0);
      product(s, CK_TILE, keys + j0 * half, half, 1, qT, CK_TILE, count, CK_TILE, half, START_ZERO,
              alpha);
      if (j0 + count > i0) mask_tile(s + (i0 - j0) * CK_TILE);
      softmax_tile(s, p, count, factor, max, sum, alpha, dropout, i0, j0);
      const pair *v = values + j0 / 2 * ld;
      if (j0 == 0)
        product(oT, CK_TILE, v, 1, ld, p, CK_TILE, ld, CK_TILE, count / 2, START_ZERO, alpha);
      else
        product(oT, CK_TILE, v, 1, ld, p, CK_TILE, ld, CK_TILE, count / 2, START_SCALE, alpha);
    }
    for (long i = 0; i < queries; i++)
      lse[(token + i) * heads + head] = (float)(max[i] / CK_LOG2E + log((double)sum[i]));
    for (long i = 0; i < CK_TILE; i++) sum[i] = 1 / sum[i];
    write_columns(o + token * width + head * headDim, width, oT, sum, queries, headDim);
  }
  return visited;
}

long ck_attention_backward_pairs(const E *qkv, const E *o, const float *lse, const E *d_o, E *dqkv,
                                 long sequence, long heads, long headDim, long sequenceIndex,
                                 long head, const ck_dropout *dropout, float *scratch) {
  long width = heads * headDim, stride = 3 * width, ld = rounded_up(headDim, 16), visited = 0;
  long rows = rounded_up(sequence, CK_TILE), half = ld / 2;
  const E *q = qkv + sequenceIndex * sequence * stride + head * headDim;
  E *dq = dqkv + sequenceIndex * sequence * stride + head * headDim;
  float *dKeys = aligned(scratch), *dValues = dKeys + rows * ld, *dqT = dValues + rows * ld;
  pair *keys = (pair *)(dqT + CK_TILE * ld), *keyPairs = keys + rows * half;
  pair *values = keyPairs + rows * half, *qRows = values + rows * half;
  pair *qPairs = qRows + CK_TILE * half, *qT = qPairs + CK_TILE * half;
  pair *doRows = qT + CK_TILE * half, *doPairs = doRows + CK_TILE * half;
  pair *doT = doPairs + CK_TILE * half;
  _Alignas(64) float s[CK_KEYS * CK_TILE], dp[CK_KEYS * CK_TILE];
  _Alignas(64) float delta[CK_TILE], norm[CK_TILE], dqFactors[CK_TILE];
  _Alignas(64) pair p[CK_KEYS * CK_TILE / 2], ds[CK_KEYS * CK_TILE / 2];
  _Alignas(64) pair dsPairs[CK_KEYS / 2 * CK_TILE];
  pack_rows(keys, ld, rows, q + width, stride, sequence, headDim);
  pair_rows(keyPairs, keys, ld, rows);
  pack_rows(values, ld, rows, q + 2 * width, stride, sequence, headDim);
  memset(dKeys, 0, (size_t)(2 * rows * ld) * sizeof(float));
  float factor = (float)(CK_LOG2E / sqrt((double)headDim));
  float scale = (float)(1 / sqrt((double)headDim));
  for (int i = 0; i < CK_TILE; i++) dqFactors[i] = scale;

  for (long i0 = 0; i0 < sequence; i0 += CK_TILE) {
    long queries = least(CK_TILE, sequence - i0), token = sequenceIndex * sequence + i0;
    const E *doTile = d_o + token * width + head * headDim;
    pack_rows(qRows, ld, CK_TILE, q + i0 * stride, stride, queries, headDim);
    pack_rows(doRows, ld, CK_TILE, doTile, width, queries, headDim);
    pair_rows(qPairs, qRows, ld, CK_TILE);
    pair_rows(doPairs, doRows, ld, CK_TILE);
    transpose_tile(qT, qRows, ld);
    transpose_tile(doT, doRows, ld);
    memset(dqT, 0, (size_t)(CK_TILE * ld) * sizeof(float));
    row_terms(delta, norm, o + token * width + head * headDim, width, doRows, ld,
              lse + token * heads + head, heads, queries, headDim);
    for (long j0 = 0; j0 <= i0; j0 += CK_KEYS) {
      long count = least(CK_KEYS, i0 + CK_TILE - j0);
      visited += queries * least(count, sequence - j0);
      product(s, CK_TILE, keys + j0 * half, half, 1, qT, CK_TILE, count, CK_TILE, half, START_ZERO,
              norm);
      if (j0 + count > i0) mask_tile(s + (i0 - j0) * CK_TILE);
      product(dp, CK_TILE, values + j0 * half, half, 1, doT, CK_TILE, count, CK_TILE, half,
              START_ZERO, norm);
      gradient_tile(s, dp, p, ds, dsPairs, count, factor, norm, delta, dropout, i0, j0);
      product(dValues + j0 * ld, ld, p, CK_TILE / 2, 1, doPairs, ld, count, ld, CK_TILE / 2,
              START_ADD, norm);
      product(dKeys + j0 * ld, ld, ds, CK_TILE / 2, 1, qPairs, ld, count, ld, CK_TILE / 2,
              START_ADD, norm);
      product(dqT, CK_TILE, keyPairs + j0 / 2 * ld, 1, ld, dsPairs, CK_TILE, ld, CK_TILE, count / 2,
              START_ADD, norm);
    }
    write_columns(dq + i0 * stride, stride, dqT, dqFactors, queries, headDim);
  }
  for (long i = 0; i < sequence; i++)
    for (long d = 0; d < headDim; d += CK_L) {
      long r = headDim - d;
      estore_r(dq + i * stride + width + d, vload(dKeys + i * ld + d) * vset(scale), r);
      estore_r(dq + i * stride + 2 * width + d, vload(dValues + i * ld + d), r);
    }
  return visited;
}
#pragma clang attribute pop
#endif
