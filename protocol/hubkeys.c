#include "hubkeys.h"
