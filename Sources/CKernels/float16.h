// The same for float16.
#ifdef CK_TYPED
#define CK_TYPE CK_FLOAT16
#include "element.h"
#include CK_SELF
#undef CK_TYPE
#endif
