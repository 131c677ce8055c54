#ifndef LOAD_BACKGROUND_H
#define LOAD_BACKGROUND_H

/*
 * background.h: connections that weigh on a server beside the measured ones:
 * idle ones that only stand there, and slow readers that ask for much and take
 * it a byte at a time.
 *
 * Thread: one task of one loop.
 */

#include "load/options.h"

struct background {
    int n_open;      /* that stand now */
    int n_failed;    /* that could not be made */
    int n_lost;      /* that the server ended */
    int n_lost_idle; /* of those, idle ones */
    int first_error; /* why the first could not be made; 0: none */
};

/* Make them, set *is_ready, hold them until cancelled. In a task. */
int background_hold(struct background *background, const struct options *options, int *is_ready);

#endif
