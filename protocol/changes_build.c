#include "changes.h"
