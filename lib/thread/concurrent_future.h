#ifndef WF_THREAD_CONCURRENT_FUTURE_H
#define WF_THREAD_CONCURRENT_FUTURE_H

/*
 * The inside of the concurrent future: embedding it, and callbacks that arrive
 * in a mailbox.
 *
 * One word holds the state, a lock bit and who sleeps (concurrent_future.c).
 * The lock bit is held for a few instructions, never while user code runs; the
 * functions of wf_cf_ops marked "under the lock" run inside it and may only
 * post nodes and unlink things.
 */

#include "base/error.h"
#include "base/list.h"
#include "thread/atomic.h"
#include "thread/mailbox.h"
#include "weft/concurrent_future.h"

/* What embeds a concurrent future, for whoever looks in from outside (lib/inspect). */
enum wf_cf_tag {
    WF_CF_PLAIN,
    WF_CF_JOB,   /* struct wf_job (executor_parts.h) */
    WF_CF_REMOTE /* struct wf_remote (bridge/bridge.h) */
};

/* What the object that embeds a future wants to know. Either may be NULL. */
struct wf_cf_ops {
    /* Under the lock, on the thread that cancels, once. */
    void (*on_cancel)(weft_concurrent_future *future);
    /* After that, without the lock, on the same thread; the last touch of a cancel. */
    void (*after_cancel)(weft_concurrent_future *future);
    /* The last reference is gone, value and error are destroyed: free the memory.
     * NULL: wf_free. */
    void (*on_last_unref)(weft_concurrent_future *future);
    uint8_t tag; /* enum wf_cf_tag */
};

struct weft_concurrent_future {
    uint32_t magic;
    wf_atomic_u32 word;          /* atomic: state, lock, sleepers; publishes the outcome */
    wf_atomic_u32 n_refs;        /* atomic: the last one sees everything */
    int code;                    /* set by the completer under the lock, then constant */
    weft_value value;            /* as code; moved out by whoever sets the TAKEN bit */
    weft_error *error;           /* as code; ref or NULL */
    struct wf_list callbacks;    /* guarded by the lock bit */
    const struct wf_cf_ops *ops; /* guarded by the lock bit; borrowed: static */
    const weft_origin *origin;   /* borrowed: static; where it was made, or NULL */
    /* The executor in whose queue the job waits: compared, never followed. */
    const void *executor;
};

/*
 * A callback: when the future is done, `post` is posted to `mailbox`, exactly
 * once, and the owner runs post.deliver when it takes it. The node belongs to
 * its registrant, who also keeps a reference to the future until the node was
 * delivered or removed.
 */
struct wf_cf_callback {
    struct wf_post post;
    struct wf_list link;        /* guarded by the future's lock bit */
    struct wf_mailbox *mailbox; /* borrowed: lives until delivered or removed */
};

/* 0, or WEFT_EINVAL, reported for <function>, for what is no concurrent future. */
int wf_concurrent_future_check(const weft_concurrent_future *future, const char *function);

/* In memory that the caller owns; one reference. */
void wf_concurrent_future_init(weft_concurrent_future *future, const struct wf_cf_ops *ops,
                               const weft_origin *origin);

/*
 * Replace the ops; when it returns no function of the old ones runs any more
 * under the lock, and none will start. NULL: none.
 */
void wf_concurrent_future_set_ops(weft_concurrent_future *future, const struct wf_cf_ops *ops);

/*
 * Finish. <code> 0: <value> is the outcome; negative: <error>, which may be
 * NULL. Takes value and error (a reference that no other thread writes to),
 * also on failure. 0, or WEFT_EINVALIDSTATE when it is done already. With
 * WEFT_ECANCELED it is finished with that failure, which is not CANCELLED.
 */
int wf_concurrent_future_finish(weft_concurrent_future *future, int code, weft_value value,
                                weft_error *error);

/*
 * Cancel from the side of the work (a task that was cancelled): as
 * weft_concurrent_future_cancel, without on_cancel and after_cancel.
 */
int wf_concurrent_future_cancel_quietly(weft_concurrent_future *future);

/*
 * The outcome of a future that is done, as weft_concurrent_future_result gives
 * it: 0 with the value taken, or the code; *out_error is NULL or a copy that
 * the caller owns. WEFT_EINVALIDSTATE when it is not done, or taken already.
 */
int wf_concurrent_future_take(weft_concurrent_future *future, weft_value *out_value,
                              weft_error **out_error);

/*
 * Owner of <mailbox>: have `post` of <callback> posted when <future> is done;
 * at once when it is. mailbox and post.deliver are set by the caller. 0, or
 * WEFT_ECLOSED when it was to be posted at once and the mailbox is closed.
 */
int wf_concurrent_future_add_callback(weft_concurrent_future *future,
                                      struct wf_cf_callback *callback);

/*
 * Owner of the mailbox: true when the node is out and will never be posted;
 * false when it was posted already: it is in the mailbox (or came out of it),
 * and the memory must stay until it is delivered.
 */
bool wf_concurrent_future_remove_callback(weft_concurrent_future *future,
                                          struct wf_cf_callback *callback);

#endif
