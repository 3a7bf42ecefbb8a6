#include "CKernels.h"

// ck_attention_forward and ck_attention_backward of bfloat16 on a processor with AVX512_BF16, in the
// same scratch memory.
long ck_attention_forward_pairs(const uint16_t *qkv, uint16_t *o, float *lse, long sequence,
                                long heads, long headDim, long sequenceIndex, long head,
                                const ck_dropout *dropout, float *scratch);
long ck_attention_backward_pairs(const uint16_t *qkv, const uint16_t *o, const float *lse,
                                 const uint16_t *d_o, uint16_t *dqkv, long sequence, long heads,
                                 long headDim, long sequenceIndex, long head,
                                 const ck_dropout *dropout, float *scratch);
