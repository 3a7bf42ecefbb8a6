// The inner half of CK_SELF for float32: included by targets.h once per instruction set.
#define CK_TYPE CK_FLOAT32
#include "element.h"
#include CK_SELF
#undef CK_TYPE
