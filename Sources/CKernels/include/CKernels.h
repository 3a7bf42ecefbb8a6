#ifndef CKERNELS_H
#define CKERNELS_H
#include <stdint.h>

// Kernels with run-time dispatch. Matrices are row-major; `first`, `count` are the rows one worker
// does; no function allocates, locks or keeps state. Pointers need no alignment.
//
// What a function takes as void * has elements of `type`, one of the three below, all alike; it reads
// them as floats, computes in floats, and rounds what it writes to the nearest. Only gains, biases
// and sums of gradients, marked "sum", are floats beside bfloat16; beside float16 they are float16.

#define CK_FLOAT32 0
#define CK_BFLOAT16 1
#define CK_FLOAT16 2

// isa.c ------------------------------------------------------------------------------------------

/// The vector path in use: 0 portable, 1 AVX2 with FMA, 2 AVX-512 (F, BW, DQ, VL), 3 with AVX512_BF16,
/// which narrows; 4 the same, and attention of bfloat16 multiplies in it: not faster everywhere.
int ck_isa(void);
/// The last path that this machine can run.
int ck_widest_isa(void);

/// For tests: takes path `isa`, or the best below it that this machine has; -1 is the fastest.
/// Holds for the calling thread; returns the path taken.
int ck_force_isa(int isa);

// gelu.c: gelu_new, 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) -------------------------------

void ck_gelu_forward(int type, const void *z, void *g, long n);
void ck_gelu_backward(int type, const void *dg, const void *z, void *dz, long n);
void ck_exp(const float *x, float *y, long n);
void ck_exp2(const float *x, float *y, long n);

// layer_norm.c: stats is [rows][2] = mean, 1 / standard deviation ---------------------------------

/// gamma, beta: sum.
void ck_layer_norm_forward(int type, const void *x, const void *gamma, const void *beta, void *y,
                           float *stats, long first, long count, long width, float eps);
/// gamma: sum.
void ck_layer_norm_backward(int type, const void *dy, const void *x, const float *stats,
                            const void *gamma, void *dx, long first, long count, long width);
/// dgamma, dbeta (sum) += over all rows, for the given columns.
void ck_layer_norm_parameter_gradient(int type, const void *dy, const void *x, const float *stats,
                                      void *dgamma, void *dbeta, long rows, long width,
                                      long firstColumn, long columns);

// elementwise.c ----------------------------------------------------------------------------------

void ck_add(int type, const void *a, const void *b, void *out, long n);
/// out = (a + b) + c.
void ck_add3(int type, const void *a, const void *b, const void *c, void *out, long n);
void ck_scale(int type, const void *x, float factor, void *out, long n);
/// y += factor x, on `width` columns of `count` rows.
void ck_add_scaled(int type, void *y, long stride, const void *x, long xStride, float factor,
                   long count, long width);
void ck_zero(float *x, long n);
void ck_copy(const float *x, float *out, long n);
/// bias: sum.
void ck_add_bias(int type, void *y, long stride, const void *bias, long first, long count,
                 long width);
/// dbias (sum) += column sums over all rows, for the given columns.
void ck_bias_gradient(int type, const void *dy, long stride, void *dbias, long rows,
                      long firstColumn, long columns);
double ck_sum_of_squares(int type, const void *x, long n);

/// To float32, exact, and back, to the nearest, ties to even.
void ck_widen(int type, const void *x, float *y, long n);
void ck_narrow(int type, const float *x, void *y, long n);

// dropout.c ---------------------------------------------------------------------------------------

/// Which elements are kept, and what they are multiplied by. The random words are those of
/// Philox-4x32-10: key (seed, step), counter (column, row / 4, sequence, stream), word row % 4.
typedef struct {
  uint32_t seed, step;
  /// Tells one dropout of a step from all others.
  uint32_t stream;
  /// The sequence of row 0, in the global batch.
  uint32_t sequence;
  /// An element is kept where its word is below.
  uint32_t threshold;
  float scale;
} ck_dropout;

/// y = x, masked and scaled, in place or not, on rows of `width`; a row's position is row % sequence.
void ck_dropout_rows(int type, const void *x, void *y, long width, long sequence, long first,
                     long count, const ck_dropout *d);
/// The four words of one counter under a key of two.
void ck_philox(const uint32_t *counter, const uint32_t *key, uint32_t *words);

// stochastic.c -------------------------------------------------------------------------------------

/// Where the bits that decide upon a rounding come from: Philox-4x32-10, key (seed, step), whose
/// counter starts with the element's number and ends with the stream, one for each tensor.
typedef struct {
  uint32_t seed, step;
  uint64_t stream;
} ck_rounding;

/// Float32 to one of the two numbers of `type` next to it, with the chance that makes the mean the
/// float32, to 2^-16 of their distance; what the type holds stays. x and y are elements
/// [first, first + n) of the tensor.
void ck_narrow_stochastic(int type, const float *x, void *y, long first, long n,
                          const ck_rounding *rounding);

// rotary.c: table is [sequence][2 rotaryDim], cosines then signed sines, each written twice -------

void ck_rotary_table(float *table, long sequence, long rotaryDim, double base);
/// In place on rows of `stride`, from `column` on, for `heads` heads; position = row % sequence, or
/// places[row] % sequence where there are places; rows with a place below 0 are left alone.
void ck_rotary(int type, void *x, long stride, long column, long heads, long headDim,
               long rotaryDim, const float *table, long sequence, const int32_t *places, long first,
               long count, int inverse);

// attention.c: qkv is [tokens][3 heads headDim] = q | k | v; lse is [tokens][heads] ---------------

/// Floats of scratch memory.
long ck_attention_forward_scratch(long sequence, long headDim);
long ck_attention_backward_scratch(long sequence, long headDim);
/// Both return how many (query, key) pairs lay in the tiles they visited. `dropout` is NULL, or takes
/// probabilities: its columns are queries, its rows keys, its sequence and stream this head's own.
long ck_attention_forward(int type, const void *qkv, void *o, float *lse, long sequence, long heads,
                          long headDim, long sequenceIndex, long head, const ck_dropout *dropout,
                          float *scratch);
long ck_attention_backward(int type, const void *qkv, const void *o, const float *lse,
                           const void *d_o, void *dqkv, long sequence, long heads, long headDim,
                           long sequenceIndex, long head, const ck_dropout *dropout,
                           float *scratch);

// cached_attention.c: a cache is [sequences][heads][keys, values], of `capacity` (a multiple of 16)
// tokens each: keys in blocks of 16, [capacity / 16][headDim][16], then values [capacity][headDim].
// places[row] = sequence number * capacity + position, or below 0: a row without a token ---------

/// k and v of the rows of qkv into their places.
void ck_cache_append(const float *qkv, const int32_t *places, float *cache, long capacity,
                     long heads, long headDim, long first, long count);
/// Floats of scratch memory.
long ck_cached_attention_scratch(long capacity, long headDim);
/// One head of the rows: each against its sequence up to its own place, zeros for a row without a
/// token. Returns how many (query, key) pairs that were. The same bits however rows are cut or mixed.
long ck_cached_attention(const float *qkv, const float *cache, const int32_t *places, float *o,
                         long capacity, long heads, long headDim, long head, long first, long count,
                         float *scratch);

// few_rows.c -------------------------------------------------------------------------------------

/// c [m][n] = a [m][k] times w [n][k] transposed, read in place: for few rows, where packing w costs
/// more than multiplying. Each element is summed in the same order whatever m and n are.
void ck_few_rows(const float *a, long lda, const float *w, long ldw, float *c, long ldc, long m,
                 long n, long k);

// embedding.c ------------------------------------------------------------------------------------

/// Rows of ids outside [shardFirst, shardFirst + shardRows) are zero.
void ck_embedding_gather(int type, const int32_t *ids, const void *table, void *out, long first,
                         long count, long width, long shardFirst, long shardRows);
/// dtable[row] (sum) += dx[token], in token order, for rows [firstRow, firstRow + rows) of the shard;
/// returns how many tokens that were.
long ck_embedding_gradient(int type, const int32_t *ids, const void *dx, void *dtable, long tokens,
                           long width, long shardFirst, long firstRow, long rows);

// cross_entropy.c: logits is [rows][stride]; this shard's columns start at firstColumn, the first
// validColumns of them are in the vocabulary; a label below 0 is ignored --------------------------

void ck_row_max(int type, const void *logits, long stride, long validColumns, float *max,
                long first, long count);
void ck_row_sum_exp(int type, const void *logits, long stride, long validColumns, long firstColumn,
                    const int32_t *labels, const float *max, float *sum, float *labelLogit,
                    long first, long count);
/// In place: logits become (softmax - onehot) * scale.
void ck_cross_entropy_backward(int type, void *logits, long stride, long columns, long validColumns,
                               long firstColumn, const int32_t *labels, const float *max,
                               const float *sum, float scale, long first, long count);
/// The sum over the rows that are not ignored; *valid is their number.
double ck_cross_entropy_loss(const int32_t *labels, const float *max, const float *sum,
                             const float *labelLogit, long rows, long *valid);

// adamw.c ----------------------------------------------------------------------------------------

/// The scalars of one step, worked out in double.
typedef struct {
  float keep, lerp, beta2, one_minus_beta2, root_correction2, eps, step_size, gradient_scale;
} ck_adamw_step;

ck_adamw_step ck_adamw_prepare(double rate, double beta1, double beta2, double eps, double decay,
                               long step, double gradientScale);
void ck_adamw(float *w, float *m, float *v, const float *g, long n, const ck_adamw_step *step);
/// The same on weights in two halves: a bfloat16 that everybody else reads, and how much the float32
/// is above or below it, in units of its last place.
void ck_adamw_split(uint16_t *w, int16_t *low, float *m, float *v, const float *g, long n,
                    const ck_adamw_step *step);

// reduce.c: n <= 64 sources, combined as ((0 1)(2 3)) ..., an odd last one carried up -------------

void ck_tree_sum(int type, const void *const *sources, int n, void *out, long first, long count);

/// y = x as it is after a trip through `type`, to the nearest, ties to even; y may be x.
void ck_round_trip(int type, const float *x, float *y, long count);
/// The sum of sources rounded to `type`, itself rounded where `roundsSum`.
void ck_tree_sum_rounded(int type, const float *const *sources, int n, float *out, long first,
                         long count, int roundsSum);
void ck_tree_max(int type, const void *const *sources, int n, void *out, long first, long count);
/// The first index of the maximum; its value in *value.
long ck_argmax(int type, const void *row, long n, float *value);

// peak.c -----------------------------------------------------------------------------------------

/// FLOP/s of one core in multiply-adds of that type that stay in registers; those of float32 where the
/// processor has none of bfloat16, and for float16, which is widened first.
double ck_peak_flops(int type, double seconds);
/// Whether the processor multiplies bfloat16 itself (AVX512_BF16), and faster than float32.
int ck_multiplies_bfloat16_faster(void);
/// One burst of them; returns the operations done.
double ck_fma_burst(float seed);
void ck_triad(const float *b, const float *c, float s, float *a, long n);
/// Bytes per second of a = b + s c, counted as three floats per element.
double ck_triad_bytes(float *a, const float *b, const float *c, long n, double seconds);

#endif
