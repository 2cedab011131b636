#include "replica_agent.h"
