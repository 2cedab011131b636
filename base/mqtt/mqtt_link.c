#include "mqtt_link.h"
