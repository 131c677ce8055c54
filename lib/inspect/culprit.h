#ifndef WF_INSPECT_CULPRIT_H
#define WF_INSPECT_CULPRIT_H

/*
 * What a loop runs at this moment, read from another thread while it runs.
 *
 * All that may go away meanwhile is read through the kernel, so that a bad address is no fault;
 * at the end the loop must still run the same piece, else nothing was read.
 */

#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WF_LABEL_SIZE = 64
};

struct wf_culprit {
    struct wf_work_info info;
    char label[WF_LABEL_SIZE]; /* "": none */
    uint64_t task;             /* its number; 0: it is none */
};

/*
 * What piece <n_run> of <loop> is, which is alive (the watcher's lock is held). False: it has
 * ended, and *out_culprit says nothing.
 */
bool wf_culprit_read(const weft_loop *loop, uint64_t n_run, struct wf_culprit *out_culprit);

#endif
