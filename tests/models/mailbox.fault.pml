/* The mailbox with a planted fault, which the search must find; see mailbox.pml. */
#define FAULT
#include "mailbox.pml"
