#include "topics.h"
