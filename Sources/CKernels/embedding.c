#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "embedding.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(long, ck_embedding_gradient,
                  (int type, const int32_t *ids, const void *dx, void *dtable, long tokens,
                   long width, long shardFirst, long firstRow, long rows),
                  (ids, dx, dtable, tokens, width, shardFirst, firstRow, rows))

void ck_embedding_gather(int type, const int32_t *ids, const void *table, void *out, long first,
                         long count, long width, long shardFirst, long shardRows) {
  long bytes = width * (type == CK_FLOAT32 ? 4 : 2);
  for (long token = first; token < first + count; token++) {
    long row = (long)ids[token] - shardFirst;
    char *to = (char *)out + token * bytes;
    if (row >= 0 && row < shardRows) memcpy(to, (const char *)table + row * bytes, (size_t)bytes);
    else memset(to, 0, (size_t)bytes);
  }
}
#else

static long CKE(ck_embedding_gradient)(const int32_t *ids, const E *dx, A *dtable,
                                      long tokens, long width, long shardFirst, long firstRow,
                                      long rows) {
  long hits = 0;
  for (long token = 0; token < tokens; token++) {
    long row = (long)ids[token] - shardFirst;
    if (row < firstRow || row >= firstRow + rows) continue;
    hits++;
    const E *d = dx + token * width;
    A *t = dtable + row * width;
    for (long j = 0; j < width; j += CK_L)
      astore_r(t + j, aload_r(t + j, width - j) + eload_r(d + j, width - j), width - j);
  }
  return hits;
}
#endif
