#include "json_fields.h"
