#include "presence.h"
