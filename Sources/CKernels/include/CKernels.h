#ifndef CKERNELS_H
#define CKERNELS_H
#include <stdint.h>

/// The widest vector path this machine runs: 0 portable, 1 AVX2, 2 AVX-512.
int ck_isa(void);

#endif
