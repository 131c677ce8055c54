#ifndef LOAD_KNEE_H
#define LOAD_KNEE_H

/*
 * knee.h: the highest rate that is served well.
 *
 * The rate doubles from the one that was asked for until it is not served well
 * any more, then the gap is halved six times. "Well": 99 % of what was meant to
 * be sent is answered, nothing else fails, and the p99 stays within ten times
 * that of the first rate (or 10 ms, if that is more).
 */

#include "load/run.h"

/*
 * 0 with the run at the knee in <run> and its rate in <options>; negative after saying why.
 * run_fini in either case.
 */
int knee_find(struct run *run, struct options *options, FILE *out);

#endif
