/* The concurrent future with a planted fault, which the search must find; see there. */
#define FAULT
#include "concurrent_future.pml"
