/* The line with a planted fault, which the search must find; see threadsafe_line.pml. */
#define FAULT
#include "threadsafe_line.pml"
