/*
 * A callback of a loop for a concurrent future.
 *
 * Registered on the loop's thread it is attached at once; elsewhere it is posted
 * to the loop and attached there, so that the list of what the loop follows is
 * touched by its own thread only.
 *
 * Thread: registration any, the rest the loop's.
 */

#include "base/alloc.h"
#include "base/frame.h"
#include "bridge/bridge.h"
#include "thread/concurrent_future.h"

struct done_callback {
    struct wf_follower follower; /* its crossing first brings it here, then is the callback's */
    struct wf_cf_callback callback;
    weft_concurrent_done_fn *fn;
    void *data;
};

static struct done_callback *callback_of(struct wf_follower *follower)
{
    return WF_CONTAINER_OF(follower, struct done_callback, follower);
}

static struct wf_follower *follower_of(struct wf_crossing *crossing)
{
    return WF_CONTAINER_OF(crossing, struct wf_follower, crossing);
}

static void let_go(struct wf_follower *follower)
{
    (void)weft_concurrent_future_unref(follower->source); /* always NULL */
    wf_free(callback_of(follower));
}

/* A turn of the loop after the future is done. */
static void on_done(struct wf_crossing *crossing)
{
    struct wf_follower *follower = follower_of(crossing);
    struct done_callback *done = callback_of(follower);
    weft_loop *loop = crossing->loop;

    wf_list_remove(&follower->link);
    int code = done->fn(follower->source, done->data);
    if (code < 0) {
        wf_loop_report_callback(loop, follower->source->origin, code);
    }
    wf_frame_clear(wf_frame_current()); /* not to be taken for the next callback's */
    let_go(follower);
}

/* The loop closes. */
static void drop(struct wf_crossing *crossing)
{
    struct wf_follower *follower = follower_of(crossing);

    wf_list_remove(&follower->link);
    let_go(follower);
}

/* The append phase: the callback's node is the crossing's. */
static void deliver_callback(struct wf_post *post)
{
    struct wf_cf_callback *callback = WF_CONTAINER_OF(post, struct wf_cf_callback, post);
    struct done_callback *done = WF_CONTAINER_OF(callback, struct done_callback, callback);
    struct wf_post *crossing = &done->follower.crossing.post;

    crossing->deliver(crossing);
}

static void attach(struct done_callback *done, struct wf_bridge *bridge)
{
    struct wf_follower *follower = &done->follower;

    follower->crossing.run = on_done;
    wf_list_append(&bridge->followers, &follower->link);
    /* Our mailbox is open. */
    (void)wf_concurrent_future_add_callback(follower->source, &done->callback);
}

/* A turn of the loop: it came from another thread. */
static void on_arrival(struct wf_crossing *crossing)
{
    struct done_callback *done = callback_of(follower_of(crossing));
    struct wf_bridge *bridge = wf_bridge_get(crossing->loop);

    if (bridge != NULL) {
        attach(done, bridge);
    } else { /* the registration was answered long ago: all that is left is to say so */
        wf_loop_report_callback(crossing->loop, done->follower.source->origin, WEFT_ENOMEM);
        let_go(&done->follower);
    }
}

static struct done_callback *make_callback(weft_concurrent_future *future, weft_loop *loop,
                                           weft_concurrent_done_fn *fn, void *data)
{
    struct done_callback *done = wf_new(struct done_callback);

    if (done == NULL) {
        return NULL;
    }
    wf_crossing_init(&done->follower.crossing, loop, on_arrival, drop);
    wf_list_init(&done->follower.link);
    done->follower.callback = &done->callback;
    done->follower.source = weft_concurrent_future_ref(future);
    done->follower.let_go = let_go;
    done->callback.post.deliver = deliver_callback;
    done->callback.mailbox = &loop->mailbox;
    done->fn = fn;
    done->data = data;
    return done;
}

static int check_arguments(weft_concurrent_future *future, weft_loop **loop,
                           weft_concurrent_done_fn *fn)
{
    int r = wf_concurrent_future_check(future, "weft_concurrent_future_add_done_callback");

    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return weft_fail(WEFT_EINVAL, "no callback function");
    }
    if (*loop == NULL) {
        *loop = wf_loop_running;
    }
    if (*loop == NULL || (*loop)->magic != WF_LOOP_MAGIC || (*loop)->forks != wf_fork_generation) {
        return wf_loop_refuse(*loop);
    }
    return weft_loop_is_closed(*loop) ? weft_fail(WEFT_ECLOSED, "Event loop is closed") : 0;
}

int weft_concurrent_future_add_done_callback(weft_concurrent_future *future, weft_loop *loop,
                                             weft_concurrent_done_fn *fn, void *data)
{
    int r = check_arguments(future, &loop, fn);

    if (r < 0) {
        return r;
    }
    bool is_mine = wf_loop_is_mine(loop);
    struct wf_bridge *bridge = is_mine ? wf_bridge_get(loop) : NULL;
    struct done_callback *done =
        !is_mine || bridge != NULL ? make_callback(future, loop, fn, data) : NULL;
    if (done == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for a callback");
    }
    if (is_mine) {
        attach(done, bridge);
        return 0;
    }
    r = wf_loop_post(loop, &done->follower.crossing.post);
    if (r < 0) {
        let_go(&done->follower);
        return weft_fail(r, "Event loop is closed");
    }
    return 0;
}
