/* The executor's queue with a planted fault, which the search must find; see executor.pml. */
#define FAULT
#include "executor.pml"
