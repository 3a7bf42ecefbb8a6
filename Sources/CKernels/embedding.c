#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "embedding.c"
#include "targets.h"

CK_DISPATCH(long, ck_embedding_gradient,
            (const int32_t *ids, const float *dx, float *dtable, long tokens, long width,
             long shardFirst, long firstRow, long rows),
            (ids, dx, dtable, tokens, width, shardFirst, firstRow, rows))

void ck_embedding_gather(const int32_t *ids, const float *table, float *out, long first,
                         long count, long width, long shardFirst, long shardRows) {
  size_t bytes = (size_t)width * sizeof(float);
  for (long token = first; token < first + count; token++) {
    long row = (long)ids[token] - shardFirst;
    if (row >= 0 && row < shardRows) memcpy(out + token * width, table + row * width, bytes);
    else memset(out + token * width, 0, bytes);
  }
}
#else

static long CK(ck_embedding_gradient)(const int32_t *ids, const float *dx, float *dtable,
                                      long tokens, long width, long shardFirst, long firstRow,
                                      long rows) {
  long hits = 0;
  for (long token = 0; token < tokens; token++) {
    long row = (long)ids[token] - shardFirst;
    if (row < firstRow || row >= firstRow + rows) continue;
    hits++;
    const float *d = dx + token * width;
    float *t = dtable + row * width;
    for (long j = 0; j < width; j += CK_L)
      vstore_r(t + j, vload_r(t + j, width - j) + vload_r(d + j, width - j), width - j);
  }
  return hits;
}
#endif
