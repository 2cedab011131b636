#include "ack.h"
