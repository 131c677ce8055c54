#ifndef WEFT_SCENARIO_SCENARIO_H
#define WEFT_SCENARIO_SCENARIO_H

/*
 * scenario.h: all that the scenario programs share.
 *
 * A scenario is a small user program on the public headers. It prints one line
 * per event, and CPython's asyncio, given the same program, prints the same
 * lines.
 */

#include "flags.h"
#include "loops.h"
#include "processes.h"
#include "protocols.h"
#include "streams.h"
#include "sync.h"
#include "tasks.h"
#include "trace.h"

#endif
