#ifndef WF_BRIDGE_BRIDGE_H
#define WF_BRIDGE_BRIDGE_H

/*
 * The inside of the bridge: what a loop keeps of everything that comes to it
 * from other threads.
 *
 * A crossing is something that another thread will post to the loop. Its node
 * comes out of the mailbox in the append phase and queues the crossing's work,
 * so user code and futures are touched in the turn only.
 *
 * Thread: the loop's, unless it says otherwise.
 */

#include "base/list.h"
#include "future/future.h"
#include "loop/loop.h"
#include "thread/concurrent_future.h"
#include "thread/executor.h"
#include "thread/mailbox.h"
#include "weft/bridge.h"
#include "weft/task.h"

struct wf_crossing {
    struct wf_post post;
    struct wf_work work;
    weft_loop *loop; /* borrowed: it delivers the post */
    void (*run)(struct wf_crossing *crossing);
    /* Instead of run: the loop closes and there will be no turn. */
    void (*drop)(struct wf_crossing *crossing);
};

/*
 * Any thread: post to <loop>. On the loop's own thread, while it runs, the post is
 * delivered at once and so keeps its place among the calls of weft_loop_call_soon.
 */
int wf_bridge_post(weft_loop *loop, struct wf_post *post);

void wf_crossing_init(struct wf_crossing *crossing, weft_loop *loop,
                      void (*run)(struct wf_crossing *), void (*drop)(struct wf_crossing *));

/*
 * What waits for a concurrent future: in the loop's list until that is done, so
 * that the loop's end can let go of it.
 */
struct wf_follower {
    struct wf_crossing crossing;
    struct wf_list link; /* among the loop's followers */
    struct wf_cf_callback *callback;
    weft_concurrent_future *source; /* ref */
    /* The loop closes and nothing was posted: release everything. */
    void (*let_go)(struct wf_follower *follower);
};

/* A loop's part of the bridge. */
struct wf_bridge {
    struct wf_list followers;       /* of wf_follower.link */
    weft_executor *executor;        /* ref; the default one, or NULL */
    bool is_own_executor;           /* made here: it ends with the loop */
    bool is_default_executor_ended; /* weft_loop_shutdown_default_executor was called */
};

/* Made at the first use. NULL without memory. */
struct wf_bridge *wf_bridge_get(weft_loop *loop);

/* The executor that NULL means, made at the first use; borrowed. */
int wf_bridge_get_executor(weft_loop *loop, weft_executor **out_executor);
/* Whether there is one. */
bool wf_bridge_has_executor(const weft_loop *loop);

/*
 * A future of <loop> for a concurrent one, in steps, so that memory is there before
 * a job is submitted, and its callback before anybody can finish the job: made, its
 * callback registered, told what it follows (takes the reference). Or given up,
 * while the callback is registered nowhere.
 */
struct wf_wrapped {
    weft_future future; /* first: it is a future */
    struct wf_follower follower;
    struct wf_cf_callback callback; /* its post stands in for the follower's */
    struct wf_work cancel;          /* of the source; holds a reference while it is queued */
    bool is_owed;
};

struct wf_wrapped *wf_wrapped_create(const weft_origin *origin, weft_loop *loop);
struct wf_cf_callback *wf_wrapped_get_callback(struct wf_wrapped *wrapped);
weft_future *wf_wrapped_follow(struct wf_wrapped *wrapped, weft_concurrent_future *source);
void wf_wrapped_give_up(struct wf_wrapped *wrapped);

/* A coroutine that another thread gave to a loop (remote.c). */
struct wf_remote {
    weft_concurrent_future future; /* first: it is one */
    weft_loop *loop;               /* ref; until the loop lets go */
    weft_coro *coro;               /* owned until it starts */
    struct wf_vars *vars;          /* ref until it starts: the context of whoever submitted it */
    weft_task *task;               /* ref; once it was made, until it is done */
    struct wf_crossing start;
    struct wf_crossing cancel;
    struct wf_future_callback task_done;
    uint64_t started_in; /* the turn in which the task was made */
    bool is_asked;       /* somebody has the future: the task's error is theirs */
};

#endif
