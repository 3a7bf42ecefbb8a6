// The same for other types of element, if the subject has them.
#ifdef CK_TYPED
#define CK_TYPE CK_BFLOAT16
#include "element.h"
#include CK_SELF
#undef CK_TYPE
#endif
