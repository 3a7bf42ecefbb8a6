// Causal attention of one (sequence, head) without the T x T matrix.
//
// Scores are kept transposed, S^T[key][query], so that the vector lanes are queries: the softmax
// over keys is then vertical, and keys and values are read as broadcasts, whatever headDim is.
// Scores carry a factor log2(e), so that probabilities are powers of 2.
// Tiles are CK_TILE x CK_TILE; those above the diagonal are never visited.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "attention.c"
#define CK_TYPED
#include "targets.h"
#include "attention_pairs.h"

#define CK_TILE 32

CK_DISPATCH_TYPED(static long, forward_in_floats,
                  (int type, const void *qkv, void *o, float *lse, long sequence, long heads,
                   long headDim, long sequenceIndex, long head, const ck_dropout *dropout,
                   float *scratch),
                  (qkv, o, lse, sequence, heads, headDim, sequenceIndex, head, dropout, scratch))
CK_DISPATCH_TYPED(static long, backward_in_floats,
                  (int type, const void *qkv, const void *o, const float *lse, const void *d_o,
                   void *dqkv, long sequence, long heads, long headDim, long sequenceIndex,
                   long head, const ck_dropout *dropout, float *scratch),
                  (qkv, o, lse, d_o, dqkv, sequence, heads, headDim, sequenceIndex, head, dropout,
                   scratch))

long ck_attention_forward(int type, const void *qkv, void *o, float *lse, long sequence, long heads,
                          long headDim, long sequenceIndex, long head, const ck_dropout *dropout,
                          float *scratch) {
#if defined(__x86_64__)
  if (type == CK_BFLOAT16 && ck_isa() == 4)
    return ck_attention_forward_pairs(qkv, o, lse, sequence, heads, headDim, sequenceIndex, head,
                                      dropout, scratch);
#endif
  return forward_in_floats(type, qkv, o, lse, sequence, heads, headDim, sequenceIndex, head,
                           dropout, scratch);
}

long ck_attention_backward(int type, const void *qkv, const void *o, const float *lse,
                           const void *d_o, void *dqkv, long sequence, long heads, long headDim,
                           long sequenceIndex, long head, const ck_dropout *dropout,
                           float *scratch) {
#if defined(__x86_64__)
  if (type == CK_BFLOAT16 && ck_isa() == 4)
    return ck_attention_backward_pairs(qkv, o, lse, d_o, dqkv, sequence, heads, headDim,
                                       sequenceIndex, head, dropout, scratch);
#endif
  return backward_in_floats(type, qkv, o, lse, d_o, dqkv, sequence, heads, headDim, sequenceIndex,
                            head, dropout, scratch);
}

static long padded(long headDim) { return (headDim + 15) / 16 * 16; }
static long padded_rows(long sequence) { return (sequence + CK_TILE - 1) / CK_TILE * CK_TILE; }

long ck_attention_forward_scratch(long sequence, long headDim) {
  return 16 + padded(headDim) * (2 * padded_rows(sequence) + 2 * CK_TILE) + CK_TILE * CK_TILE;
}

long ck_attention_backward_scratch(long sequence, long headDim) {
  return 16 + padded(headDim) * (4 * padded_rows(sequence) + 5 * CK_TILE) +
         2 * CK_TILE * CK_TILE + 2 * CK_TILE;
}
#else
#if CK_TYPE == CK_FLOAT32
#include "philox.h"
#endif

#define CK_TILE 32
#define CK_LOG2E 1.4426950408889634
enum { CKE(START_ZERO), CKE(START_ADD), CKE(START_SCALE) };

/// C[CK_MR][nv vectors] (+)= sum over p < k of A(i, p) * B[p][.], A(i, p) = a[i * ai + p * ap].
/// START_SCALE multiplies the columns of the old C by alpha first.
CK_INLINE void CKE(block)(float *c, long ldc, const float *a, long ai, long ap, const float *b,
                         long ldb, long k, int nv, int start, const float *alpha) {
  vf acc[CK_MR][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < CK_MR; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) {
      acc[i][v] = start == CKE(START_ZERO) ? vset(0) : vload(c + i * ldc + v * CK_L);
      if (start == CKE(START_SCALE)) acc[i][v] *= vload(alpha + v * CK_L);
    }
  for (long p = 0; p < k; p++) {
    vf x[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) x[v] = vload(b + p * ldb + v * CK_L);
#pragma clang loop unroll(full)
    for (int i = 0; i < CK_MR; i++) {
      vf y = vset(a[i * ai + p * ap]);
#pragma clang loop unroll(full)
      for (int v = 0; v < nv; v++) acc[i][v] = y * x[v] + acc[i][v];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < CK_MR; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < nv; v++) vstore(c + i * ldc + v * CK_L, acc[i][v]);
}

/// The same for m rows (a multiple of CK_MR) and n columns (a multiple of CK_L).
CK_INLINE void CKE(product)(float *c, long ldc, const float *a, long ai, long ap, const float *b,
                           long ldb, long m, long n, long k, int start, const float *alpha) {
  long j = 0;
  for (; j + 2 * CK_L <= n; j += 2 * CK_L)
    for (long i = 0; i < m; i += CK_MR)
      CKE(block)(c + i * ldc + j, ldc, a + i * ai, ai, ap, b + j, ldb, k, 2, start, alpha + j);
  for (; j < n; j += CK_L)
    for (long i = 0; i < m; i += CK_MR)
      CKE(block)(c + i * ldc + j, ldc, a + i * ai, ai, ap, b + j, ldb, k, 1, start, alpha + j);
}

/// Rows of `width` floats out of a wide buffer, times factor, padded with zeros on both sides.
CK_INLINE void CKE(pack)(float *out, long ld, long rowsPadded, const E *x, long stride,
                        long rows, long width, float factor) {
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < ld; j += CK_L) {
      long r = width - j;
      vstore(out + i * ld + j, r > 0 ? eload_r(x + i * stride + j, r) * vset(factor) : vset(0));
    }
  memset(out + rows * ld, 0, (size_t)((rowsPadded - rows) * ld) * sizeof(float));
}

/// A packed tile [CK_TILE][ld] as [width][CK_TILE].
CK_INLINE void CKE(transpose)(float *out, const float *in, long ld, long width) {
  for (long d = 0; d < width; d++)
    for (long i = 0; i < CK_TILE; i++) out[d * CK_TILE + i] = in[i * ld + d];
}

/// Minus infinity where the key comes after the query, in the tile on the diagonal.
CK_INLINE void CKE(mask)(float *s) {
  for (long key = 1; key < CK_TILE; key++)
    for (long query = 0; query < key; query++) s[key * CK_TILE + query] = -INFINITY;
}

/// Scores to probabilities relative to the running maximum; alpha is what older sums shrink by.
CK_INLINE void CKE(softmax_tile)(float *s, float *max, float *sum, float *alpha) {
  for (int v = 0; v < CK_TILE; v += CK_L) {
    vf old = vload(max + v), a = old, b = old;
    for (int key = 0; key < CK_TILE; key += 2) {
      a = vmax(a, vload(s + key * CK_TILE + v));
      b = vmax(b, vload(s + (key + 1) * CK_TILE + v));
    }
    vf m = vmax(a, b), rescale = vexp2(old - m), t0 = vset(0), t1 = vset(0);
    for (int key = 0; key < CK_TILE; key += 2) {
      float *p = s + key * CK_TILE + v;
      vf p0 = vexp2(vload(p) - m), p1 = vexp2(vload(p + CK_TILE) - m);
      vstore(p, p0), vstore(p + CK_TILE, p1);
      t0 += p0, t1 += p1;
    }
    vstore(max + v, m);
    vstore(alpha + v, rescale);
    vstore(sum + v, vload(sum + v) * rescale + (t0 + t1));
  }
}

/// Scores p to probabilities, and their gradients ds to those of the scores.
CK_INLINE void CKE(gradient_tile)(float *p, float *ds, const float *norm, const float *delta) {
  for (int v = 0; v < CK_TILE; v += CK_L) {
    vf l = vload(norm + v), d = vload(delta + v);
    for (int i = v; i < v + CK_TILE * CK_TILE; i += CK_TILE) {
      vf e = vexp2(vload(p + i) - l);
      vstore(p + i, e);
      vstore(ds + i, e * (vload(ds + i) - d));
    }
  }
}

/// What dropout multiplies a tile's probabilities by, laid out as they are.
CK_INLINE void CKE(keep_tile)(float *factors, const ck_dropout *dropout, long i0, long j0) {
  for (long key = 0; key < CK_TILE; key += 4)
    for (long v = 0; v < CK_TILE; v += CK_L) {
      vf keep[4];
      CK(keep)(keep, dropout, (uint32_t)(i0 + v), (uint32_t)((j0 + key) / 4), dropout->sequence);
      for (long i = 0; i < 4; i++) vstore(factors + (key + i) * CK_TILE + v, keep[i]);
    }
}

CK_INLINE void CKE(multiply_tile)(float *tile, const float *factors) {
  for (long i = 0; i < CK_TILE * CK_TILE; i += CK_L)
    vstore(tile + i, vload(tile + i) * vload(factors + i));
}

/// Each query's sum over d of do * o, and its log-sum-exp in powers of 2.
CK_INLINE void CKE(row_terms)(float *delta, float *norm, const E *o, long width,
                             const float *doRows, long ld, const float *lse, long heads,
                             long queries, long headDim) {
  for (long i = 0; i < CK_TILE; i++) {
    // A padded query has infinity: its probabilities vanish.
    norm[i] = i < queries ? (float)(lse[i * heads] * CK_LOG2E) : INFINITY;
    vf dot = vset(0);
    if (i < queries)
      for (long d = 0; d < headDim; d += CK_L)
        dot += eload_r(o + i * width + d, headDim - d) * vload(doRows + i * ld + d);
    delta[i] = vsum(dot);
  }
}

CK_INLINE float *CKE(aligned)(float *p) { return (float *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }
CK_INLINE long CKE(least)(long a, long b) { return a < b ? a : b; }

static long CKE(forward_in_floats)(const E *qkv, E *o, float *lse, long sequence,
                                     long heads, long headDim, long sequenceIndex, long head,
                                     const ck_dropout *dropout, float *scratch) {
  long width = heads * headDim, stride = 3 * width, ld = (headDim + 15) / 16 * 16;
  long dims = (headDim + CK_MR - 1) / CK_MR * CK_MR, visited = 0;
  long rows = (sequence + CK_TILE - 1) / CK_TILE * CK_TILE;
  const E *q = qkv + sequenceIndex * sequence * stride + head * headDim;
  float *keys = CKE(aligned)(scratch), *values = keys + rows * ld, *qT = values + rows * ld;
  float *oT = qT + CK_TILE * ld, *s = oT + CK_TILE * ld;
  CKE(pack)(keys, ld, rows, q + width, stride, sequence, headDim, 1);
  CKE(pack)(values, ld, rows, q + 2 * width, stride, sequence, headDim, 1);
  float factor = (float)(CK_LOG2E / sqrt((double)headDim));

  for (long i0 = 0; i0 < sequence; i0 += CK_TILE) {
    long queries = CKE(least)(CK_TILE, sequence - i0);
    float max[CK_TILE], sum[CK_TILE], alpha[CK_TILE], kept[CK_TILE * CK_TILE];
    CKE(pack)(oT, ld, CK_TILE, q + i0 * stride, stride, queries, headDim, factor);
    CKE(transpose)(qT, oT, ld, headDim);
    for (int i = 0; i < CK_TILE; i++) max[i] = -INFINITY, sum[i] = 0;
    for (long j0 = 0; j0 <= i0; j0 += CK_TILE) {
      visited += queries * CKE(least)(CK_TILE, sequence - j0);
      CKE(product)(s, CK_TILE, keys + j0 * ld, ld, 1, qT, CK_TILE, CK_TILE, CK_TILE, headDim,
                  CKE(START_ZERO), alpha);
      if (j0 == i0) CKE(mask)(s);
      CKE(softmax_tile)(s, max, sum, alpha);
      if (dropout) {
        // After the sums: a probability is that among all keys, kept or not.
        CKE(keep_tile)(kept, dropout, i0, j0);
        CKE(multiply_tile)(s, kept);
      }
      const float *v = values + j0 * ld;
      if (j0 == 0)
        CKE(product)(oT, CK_TILE, v, 1, ld, s, CK_TILE, dims, CK_TILE, CK_TILE, CKE(START_ZERO),
                    alpha);
      else
        CKE(product)(oT, CK_TILE, v, 1, ld, s, CK_TILE, dims, CK_TILE, CK_TILE, CKE(START_SCALE),
                    alpha);
    }
    for (long i = 0; i < queries; i++) {
      long token = sequenceIndex * sequence + i0 + i;
      E *row = o + token * width + head * headDim;
      float inverse = 1 / sum[i];
      for (long d = 0; d < headDim; d++) row[d] = eput(oT[d * CK_TILE + i] * inverse);
      lse[token * heads + head] = (float)(max[i] / CK_LOG2E + log((double)sum[i]));
    }
  }
  return visited;
}

static long CKE(backward_in_floats)(const E *qkv, const E *o, const float *lse,
                                      const E *d_o, E *dqkv, long sequence, long heads,
                                      long headDim, long sequenceIndex, long head,
                                      const ck_dropout *dropout, float *scratch) {
  long width = heads * headDim, stride = 3 * width, ld = (headDim + 15) / 16 * 16;
  long dims = (headDim + CK_MR - 1) / CK_MR * CK_MR, visited = 0;
  long rows = (sequence + CK_TILE - 1) / CK_TILE * CK_TILE;
  const E *q = qkv + sequenceIndex * sequence * stride + head * headDim;
  E *dq = dqkv + sequenceIndex * sequence * stride + head * headDim;
  float *keys = CKE(aligned)(scratch), *values = keys + rows * ld;
  float *dKeys = values + rows * ld, *dValues = dKeys + rows * ld;
  float *qRows = dValues + rows * ld, *doRows = qRows + CK_TILE * ld;
  float *qT = doRows + CK_TILE * ld, *doT = qT + CK_TILE * ld, *dqT = doT + CK_TILE * ld;
  float *p = dqT + CK_TILE * ld, *ds = p + CK_TILE * CK_TILE, *delta = ds + CK_TILE * CK_TILE;
  float *norm = delta + CK_TILE;
  CKE(pack)(keys, ld, rows, q + width, stride, sequence, headDim, 1);
  CKE(pack)(values, ld, rows, q + 2 * width, stride, sequence, headDim, 1);
  memset(dKeys, 0, (size_t)(2 * rows * ld) * sizeof(float));
  float factor = (float)(CK_LOG2E / sqrt((double)headDim));
  float dqFactor = (float)(1 / sqrt((double)headDim)), dkFactor = (float)(1 / CK_LOG2E);
  float kept[CK_TILE * CK_TILE];

  for (long i0 = 0; i0 < sequence; i0 += CK_TILE) {
    long queries = CKE(least)(CK_TILE, sequence - i0), token = sequenceIndex * sequence + i0;
    const E *doTile = d_o + token * width + head * headDim;
    CKE(pack)(qRows, ld, CK_TILE, q + i0 * stride, stride, queries, headDim, factor);
    CKE(pack)(doRows, ld, CK_TILE, doTile, width, queries, headDim, 1);
    CKE(transpose)(qT, qRows, ld, headDim);
    CKE(transpose)(doT, doRows, ld, headDim);
    memset(dqT, 0, (size_t)(CK_TILE * ld) * sizeof(float));
    CKE(row_terms)(delta, norm, o + token * width + head * headDim, width, doRows, ld,
                  lse + token * heads + head, heads, queries, headDim);
    for (long j0 = 0; j0 <= i0; j0 += CK_TILE) {
      visited += queries * CKE(least)(CK_TILE, sequence - j0);
      const float *k = keys + j0 * ld;
      CKE(product)(p, CK_TILE, k, ld, 1, qT, CK_TILE, CK_TILE, CK_TILE, headDim, CKE(START_ZERO),
                  norm);
      if (j0 == i0) CKE(mask)(p);
      CKE(product)(ds, CK_TILE, values + j0 * ld, ld, 1, doT, CK_TILE, CK_TILE, CK_TILE, headDim,
                  CKE(START_ZERO), norm);
      // The gradient of what was kept; `delta` needs no change, for o has its own mask in it.
      if (dropout) {
        CKE(keep_tile)(kept, dropout, i0, j0);
        CKE(multiply_tile)(ds, kept);
      }
      CKE(gradient_tile)(p, ds, norm, delta);
      if (dropout) CKE(multiply_tile)(p, kept);
      CKE(product)(dValues + j0 * ld, ld, p, CK_TILE, 1, doRows, ld, CK_TILE, ld, CK_TILE,
                  CKE(START_ADD), norm);
      CKE(product)(dKeys + j0 * ld, ld, ds, CK_TILE, 1, qRows, ld, CK_TILE, ld, CK_TILE,
                  CKE(START_ADD), norm);
      CKE(product)(dqT, CK_TILE, k, 1, ld, ds, CK_TILE, dims, CK_TILE, CK_TILE, CKE(START_ADD),
                  norm);
    }
    for (long i = 0; i < queries; i++)
      for (long d = 0; d < headDim; d++)
        dq[(i0 + i) * stride + d] = eput(dqT[d * CK_TILE + i] * dqFactor);
  }
  for (long i = 0; i < sequence; i++)
    for (long d = 0; d < headDim; d += CK_L) {
      long r = headDim - d;
      estore_r(dq + i * stride + width + d, vload(dKeys + i * ld + d) * vset(dkFactor), r);
      estore_r(dq + i * stride + 2 * width + d, vload(dValues + i * ld + d), r);
    }
  return visited;
}
#undef CK_TILE
#undef CK_LOG2E
#endif
