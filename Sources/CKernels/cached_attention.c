// Attention of new tokens against the keys and values that their sequences have so far.
//
// Keys lie in blocks of 16 tokens, [headDim][16], so that the vector lanes are keys and no score
// needs a sum over lanes; values lie token by token, so that the lanes are their elements.
// Up to CK_QUERIES rows of one sequence that follow each other share what is read. Every sum runs
// in the same order however rows are grouped: what a row ignores is added to it as zero.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "cached_attention.c"
#include "targets.h"

#define CK_QUERIES 4

CK_DISPATCH(void, ck_cache_append,
            (const float *qkv, const int32_t *places, float *cache, long capacity, long heads,
             long headDim, long first, long count),
            (qkv, places, cache, capacity, heads, headDim, first, count))
CK_DISPATCH(long, ck_cached_attention,
            (const float *qkv, const float *cache, const int32_t *places, float *o, long capacity,
             long heads, long headDim, long head, long first, long count, float *scratch),
            (qkv, cache, places, o, capacity, heads, headDim, head, first, count, scratch))

long ck_cached_attention_scratch(long capacity, long headDim) {
  return CK_QUERIES * (capacity + headDim);
}
#else

#define CK_QUERIES 4
#define CK_KEYS 16
#define CK_LOG2E 1.4426950408889634

static void CK(ck_cache_append)(const float *qkv, const int32_t *places, float *cache,
                                long capacity, long heads, long headDim, long first, long count) {
  long width = heads * headDim;
  for (long row = first; row < first + count; row++) {
    if (places[row] < 0) continue;
    long sequence = places[row] / capacity, position = places[row] % capacity;
    for (long head = 0; head < heads; head++) {
      float *keys = cache + (sequence * heads + head) * 2 * capacity * headDim;
      const float *k = qkv + row * 3 * width + width + head * headDim, *v = k + width;
      float *block = keys + position / CK_KEYS * CK_KEYS * headDim + position % CK_KEYS;
      for (long d = 0; d < headDim; d++) block[d * CK_KEYS] = k[d];
      memcpy(keys + (capacity + position) * headDim, v, (size_t)headDim * sizeof(float));
    }
  }
}

/// Scores of n queries against keys first ..< end, `step` vectors at a time.
CK_INLINE void CK(cached_scores)(float *s, long lds, const float *q, long ldq, const float *keys,
                                 long headDim, long first, long end, int n, int step) {
  for (; first < end; first += step * CK_L) {
    vf acc[CK_QUERIES][4];
    const float *k[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < step; v++) {
      long key = first + v * CK_L;
      k[v] = keys + key / CK_KEYS * CK_KEYS * headDim + key % CK_KEYS;
#pragma clang loop unroll(full)
      for (int i = 0; i < n; i++) acc[i][v] = vset(0);
    }
    for (long d = 0; d < headDim; d++)
#pragma clang loop unroll(full)
      for (int v = 0; v < step; v++) {
        vf x = vload(k[v] + d * CK_KEYS);
#pragma clang loop unroll(full)
        for (int i = 0; i < n; i++) acc[i][v] = vset(q[i * ldq + d]) * x + acc[i][v];
      }
#pragma clang loop unroll(full)
    for (int v = 0; v < step; v++)
#pragma clang loop unroll(full)
      for (int i = 0; i < n; i++) vstore(s + i * lds + first + v * CK_L, acc[i][v]);
  }
}

/// Scores of the first `keys` to probabilities without their divisor, which it returns; the rest of
/// the row is zero.
CK_INLINE float CK(cached_softmax)(float *s, long keys, long padded) {
  vf top = vset(-INFINITY), sum = vset(0);
  for (long j = keys; j < padded; j++) s[j] = -INFINITY;
  for (long j = 0; j < padded; j += CK_L) top = vmax(top, vload(s + j));
  vf max = vset(vmaxh(top));
  for (long j = 0; j < padded; j += CK_L) {
    vf p = vexp2(vload(s + j) - max);
    vstore(s + j, p);
    sum += p;
  }
  // vexp2 of minus infinity is small, not zero, on some paths.
  float total = vsum(sum);
  for (long j = keys; j < padded; j++) s[j] = 0;
  return total;
}

/// n rows of output from `step` vectors on of each value.
CK_INLINE void CK(cached_values)(float *o, long ldo, const float *p, long ldp, const float *values,
                                 long headDim, long keys, const float *sums, int n, int step) {
  for (long d = 0; d < headDim; d += step * CK_L) {
    vf acc[CK_QUERIES][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < step; v++) acc[i][v] = vset(0);
    for (long j = 0; j < keys; j++)
#pragma clang loop unroll(full)
      for (int v = 0; v < step; v++) {
        vf x = vload_r(values + j * headDim + d + v * CK_L, headDim - d - v * CK_L);
#pragma clang loop unroll(full)
        for (int i = 0; i < n; i++) acc[i][v] = vset(p[i * ldp + j]) * x + acc[i][v];
      }
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < step; v++)
        vstore_r(o + i * ldo + d + v * CK_L, acc[i][v] / vset(sums[i]), headDim - d - v * CK_L);
  }
}

/// Rows row ..< row + n, whose places follow each other.
CK_INLINE long CK(cached_queries)(const float *qkv, const float *cache, const int32_t *places,
                                  float *o, long capacity, long heads, long headDim, long head,
                                  long row, int n, float *scratch) {
  long width = heads * headDim, sequence = places[row] / capacity;
  long before = places[row] % capacity, keys = before + n, pairs = 0;
  long padded = (keys + CK_KEYS - 1) / CK_KEYS * CK_KEYS;
  const float *k = cache + (sequence * heads + head) * 2 * capacity * headDim;
  float factor = (float)(CK_LOG2E / sqrt((double)headDim)), sums[CK_QUERIES];
  float *q = scratch + CK_QUERIES * capacity;
  for (int i = 0; i < n; i++)
    for (long d = 0; d < headDim; d++)
      q[i * headDim + d] = qkv[(row + i) * 3 * width + head * headDim + d] * factor;
  // One query alone takes more keys at a time, so that sums do not wait for each other.
  long wide = n == 1 ? padded / (4 * CK_L) * (4 * CK_L) : 0;
  CK(cached_scores)(scratch, capacity, q, headDim, k, headDim, 0, wide, n, 4);
  CK(cached_scores)(scratch, capacity, q, headDim, k, headDim, wide, padded, n, CK_KEYS / CK_L);
  for (int i = 0; i < n; i++) {
    sums[i] = CK(cached_softmax)(scratch + i * capacity, before + i + 1, padded);
    pairs += before + i + 1;
  }
  float *to = o + row * width + head * headDim;
  const float *values = k + capacity * headDim;
  if (n == 1 && headDim % (4 * CK_L) == 0)
    CK(cached_values)(to, width, scratch, capacity, values, headDim, keys, sums, n, 4);
  else if (headDim % (2 * CK_L) == 0)
    CK(cached_values)(to, width, scratch, capacity, values, headDim, keys, sums, n, 2);
  else CK(cached_values)(to, width, scratch, capacity, values, headDim, keys, sums, n, 1);
  return pairs;
}

static long CK(ck_cached_attention)(const float *qkv, const float *cache, const int32_t *places,
                                    float *o, long capacity, long heads, long headDim, long head,
                                    long first, long count, float *scratch) {
  long pairs = 0, end = first + count, n;
  for (long row = first; row < end; row += n) {
    n = 1;
    if (places[row] < 0) {
      memset(o + row * heads * headDim + head * headDim, 0, sizeof(float) * headDim);
      continue;
    }
    long room = capacity - places[row] % capacity;
    while (n < CK_QUERIES && n < room && row + n < end && places[row + n] == places[row] + n) n++;
    if (n == CK_QUERIES)
      pairs += CK(cached_queries)(qkv, cache, places, o, capacity, heads, headDim, head, row,
                                  CK_QUERIES, scratch);
    else
      for (long i = 0; i < n; i++)
        pairs += CK(cached_queries)(qkv, cache, places, o, capacity, heads, headDim, head, row + i,
                                    1, scratch);
  }
  return pairs;
}
#undef CK_QUERIES
#undef CK_KEYS
#undef CK_LOG2E
#endif
