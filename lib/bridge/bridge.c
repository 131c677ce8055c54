/*
 * What the bridge keeps per loop, and its end.
 *
 * When a loop closes, its mailbox is closed and empty. A follower whose node was
 * posted has its work in the queue, and the queue's end drops it. One whose node
 * was not posted is taken out of its future here; later nobody can post it.
 *
 * The default executor outlives the close, since a task that is dropped after it
 * may still stand in one of its lists; its reference goes with the loop's memory.
 *
 * Thread: the loop's.
 */

#include "bridge/bridge.h"

#include "base/alloc.h"
#include "thread/concurrent_future.h"

/* ---- crossings ----------------------------------------------------------- */

static void run_crossing(struct wf_work *work)
{
    struct wf_crossing *crossing = WF_CONTAINER_OF(work, struct wf_crossing, work);

    crossing->run(crossing);
}

static void drop_crossing(struct wf_work *work)
{
    struct wf_crossing *crossing = WF_CONTAINER_OF(work, struct wf_crossing, work);

    crossing->drop(crossing);
}

static const struct wf_work_kind crossing_kind = { run_crossing, drop_crossing, NULL,
                                                   "arrival from another thread", 0 };

/* The append phase. The loop learns of the kind here: the post may come before any state. */
static void deliver_crossing(struct wf_post *post)
{
    struct wf_crossing *crossing = WF_CONTAINER_OF(post, struct wf_crossing, post);

    wf_loop_know_work(crossing->loop, &crossing_kind);
    wf_loop_run_soon(crossing->loop, &crossing->work);
}

void wf_crossing_init(struct wf_crossing *crossing, weft_loop *loop,
                      void (*run)(struct wf_crossing *), void (*drop)(struct wf_crossing *))
{
    crossing->post.deliver = deliver_crossing;
    wf_work_init(&crossing->work, run_crossing);
    crossing->loop = loop;
    crossing->run = run;
    crossing->drop = drop;
}

int wf_bridge_post(weft_loop *loop, struct wf_post *post)
{
    if (loop == wf_loop_running) {
        post->deliver(post);
        return 0;
    }
    return wf_loop_post(loop, post);
}

/* ---- per loop ------------------------------------------------------------ */

static void close_bridge(weft_loop *loop, void *data)
{
    struct wf_bridge *bridge = data;
    struct wf_list *link = bridge->followers.next;

    (void)loop;
    while (link != &bridge->followers) {
        struct wf_follower *follower = WF_CONTAINER_OF(link, struct wf_follower, link);
        link = link->next;
        if (wf_concurrent_future_remove_callback(follower->source, follower->callback)) {
            wf_list_remove(&follower->link);
            follower->let_go(follower);
        }
    }
    if (bridge->is_own_executor) {
        weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        options.wait = false;
        (void)weft_executor_shutdown(bridge->executor, &options); /* only begins it: no failure */
    }
}

static void destroy_bridge(void *data)
{
    struct wf_bridge *bridge = data;

    (void)weft_executor_unref(bridge->executor); /* always NULL */
    wf_free(bridge);
}

static const struct wf_loop_slot_ops slot_ops = { close_bridge, destroy_bridge };

struct wf_bridge *wf_bridge_get(weft_loop *loop)
{
    struct wf_loop_slot *slot = &loop->slots[WF_LOOP_SLOT_BRIDGE];

    if (slot->data == NULL) {
        struct wf_bridge *bridge = wf_new(struct wf_bridge);
        if (bridge == NULL) {
            return NULL;
        }
        wf_list_init(&bridge->followers);
        *slot = (struct wf_loop_slot){ bridge, &slot_ops };
    }
    return slot->data;
}
