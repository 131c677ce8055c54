/*
 * Which mutant is alive: the one that the environment names, if any.
 *
 * Thread: any; nobody changes the environment of a scenario.
 */

#include "base/mutant.h"

#include <stdlib.h>
#include <string.h>

int wf_mutant_is_alive(const char *name)
{
    const char *alive = getenv("WEFT_MUTANT");

    return alive != NULL && strcmp(alive, name) == 0;
}
