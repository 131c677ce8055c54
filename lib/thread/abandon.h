#ifndef WF_THREAD_ABANDON_H
#define WF_THREAD_ABANDON_H

/*
 * Hearing that nobody waits any more for a job of an executor, while it runs.
 *
 * A watch is told under a lock of this file that ranks above all others; once it was stopped
 * it is told nothing.
 *
 * Thread: any.
 */

#include "base/list.h"

struct weft_concurrent_future;

struct wf_abandon_watch {
    struct wf_list link;
    const struct weft_concurrent_future *job; /* compared, never followed; alive while watched */
    void (*tell)(struct wf_abandon_watch *watch);
};

/* For the job that runs on this thread; told before this returns when it was abandoned before. */
void wf_abandon_watch_start(struct wf_abandon_watch *watch,
                            void (*tell)(struct wf_abandon_watch *));
void wf_abandon_watch_stop(struct wf_abandon_watch *watch);

/* For the executor: <job> is abandoned, and says so when it is asked. */
void wf_abandon_tell(const struct weft_concurrent_future *job);

#endif
