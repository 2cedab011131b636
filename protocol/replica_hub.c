#include "replica_hub.h"
