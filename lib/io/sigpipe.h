#ifndef WF_IO_SIGPIPE_H
#define WF_IO_SIGPIPE_H

/*
 * Keeping SIGPIPE away from the program, for the system calls that have no flag
 * for it: the signal is blocked around the call, and taken back if it came.
 *
 * Thread: the one that makes the call.
 */

#include <signal.h>
#include <stdbool.h>

struct wf_sigpipe {
    sigset_t before;
    bool was_pending;
};

void wf_sigpipe_block(struct wf_sigpipe *guard);
/* <is_broken>: the call failed with EPIPE. errno is kept. */
void wf_sigpipe_restore(const struct wf_sigpipe *guard, bool is_broken);

#endif
