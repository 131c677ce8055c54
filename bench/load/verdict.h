#ifndef LOAD_VERDICT_H
#define LOAD_VERDICT_H

/* verdict.h: whether a run is good enough, and whether it is better or worse than another. */

#include "load/run.h"

enum verdict {
    VERDICT_HOLDS,
    VERDICT_FAILS,   /* an assertion does not hold, or it is worse than before */
    VERDICT_UNUSABLE /* said why */
};

/* "p99<5ms,errors==0": each is said with its value. */
enum verdict verdict_assert(const struct run *run, const char *assertions, FILE *out);
/* Only whether the text can be understood; says why not. */
bool verdict_is_assertion(const char *assertions);

/* This run against the JSON of another. */
enum verdict verdict_compare(const struct run *run, const char *path, FILE *out);

#endif
