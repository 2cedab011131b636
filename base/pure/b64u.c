#include "b64u.h"
