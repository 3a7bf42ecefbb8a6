// The inner half of CK_SELF for bfloat16, if the subject has other types than float32.
#ifdef CK_TYPED
#define CK_TYPE CK_BFLOAT16
#include "element.h"
#include CK_SELF
#undef CK_TYPE
#endif
