// Dropout whose mask depends on where an element is in the whole batch and model, and on nothing of
// how these are spread over ranks, micro-batches or workers.
#ifndef CK_TARGET
#include "CKernels.h"
#define CK_SELF "dropout.c"
#define CK_TYPED
#include "targets.h"

CK_DISPATCH_TYPED(void, ck_dropout_rows,
                  (int type, const void *x, void *y, long width, long sequence, long first,
                   long count, const ck_dropout *d),
                  (x, y, width, sequence, first, count, d))
CK_DISPATCH(void, ck_philox, (const uint32_t *counter, const uint32_t *key, uint32_t *words),
            (counter, key, words))
#else
#if CK_TYPE == CK_FLOAT32
#include "philox.h"
#endif

static void CKE(ck_dropout_rows)(const E *x, E *y, long width, long sequence, long first,
                                long count, const ck_dropout *d) {
  long row = first, end = first + count;
  while (row < end) {
    // Up to the end of a group of four positions, of the sequence, or of the rows.
    long position = row % sequence, from = position % 4, rows = 4 - from;
    if (rows > sequence - position) rows = sequence - position;
    if (rows > end - row) rows = end - row;
    uint32_t index = d->sequence + (uint32_t)(row / sequence);
    for (long j = 0; j < width; j += CK_L) {
      vf factors[4];
      CK(keep)(factors, d, (uint32_t)j, (uint32_t)(position / 4), index);
      for (long i = 0; i < 4; i++)
        if (i >= from && i < from + rows) {
          long at = (row + i - from) * width + j;
          estore_r(y + at, eload_r(x + at, width - j) * factors[i], width - j);
        }
    }
    row += rows;
  }
}

#if CK_TYPE == CK_FLOAT32
static void CK(ck_philox)(const uint32_t *counter, const uint32_t *key, uint32_t *words) {
  vu c[4];
  for (int i = 0; i < 4; i++) c[i] = (vu)counter[i];
  CK(philox)(c, key[0], key[1]);
  for (int i = 0; i < 4; i++) words[i] = c[i][CK_L - 1];
}
#endif
#endif
