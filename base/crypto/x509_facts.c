#include "x509_facts.h"
