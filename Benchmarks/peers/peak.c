// Measures what the machine can do at most: multiply-adds that stay in registers, on N threads.
//
//     cc -O3 -march=native -pthread peak.c -o peak && ./peak THREADS SECONDS
//
// Prints FLOP/s of float32 and of bfloat16 (0 without AVX512_BF16), the best burst of each thread,
// all threads at once.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHAINS 12
#define ROUNDS 200000

#if defined(__AVX512F__)
typedef __m512 vec;
#define LANES 16
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#else
typedef __m256 vec;
#define LANES 8
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#endif

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double float32_burst(void) {
  vec acc[CHAINS], x = SET(0.999999f), y = SET(1e-7f);
  for (int i = 0; i < CHAINS; i++) acc[i] = SET((float)i);
  for (long round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) {
      acc[i] = FMA(acc[i], x, y);
      __asm__ volatile("" : "+v"(acc[i]));  // neither folded nor left out
    }
  return 2.0 * LANES * CHAINS * ROUNDS;
}

static double bfloat16_burst(void) {
#if defined(__AVX512BF16__)
  __m512 acc[CHAINS];
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3C00), y = (__m512bh)_mm512_set1_epi16(0x3C01);
  for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_set1_ps((float)i);
  for (long round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) {
      acc[i] = _mm512_dpbf16_ps(acc[i], x, y);
      __asm__ volatile("" : "+v"(acc[i]));
    }
  return 2.0 * 2 * 16 * CHAINS * ROUNDS;
#else
  return 0;
#endif
}

typedef struct {
  int cpu;
  double seconds, float32, bfloat16;
  pthread_t thread;
} worker;

static double best(double (*burst)(void), double limit) {
  double best = 0, start = now(), last = start;
  do {
    double operations = burst(), after = now();
    if (operations / (after - last) > best) best = operations / (after - last);
    last = after;
  } while (last - start < limit);
  return best;
}

static void *measure(void *argument) {
  worker *w = argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(w->cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
  w->float32 = best(float32_burst, w->seconds);
  w->bfloat16 = best(bfloat16_burst, w->seconds);
  return NULL;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1, cpu = -1;
  double seconds = count > 2 ? atof(arguments[2]) : 0.2, float32 = 0, bfloat16 = 0;
  worker *workers = calloc((size_t)threads, sizeof *workers);
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int i = 0; i < threads; i++) {
    do cpu = (cpu + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(cpu, &allowed));
    workers[i].cpu = cpu;
    workers[i].seconds = seconds;
    pthread_create(&workers[i].thread, NULL, measure, &workers[i]);
  }
  for (int i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    float32 += workers[i].float32;
    bfloat16 += workers[i].bfloat16;
  }
  printf("%.0f %.0f\n", float32, bfloat16);
  return 0;
}
