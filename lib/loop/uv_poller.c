/*
 * libuv inside the poller: made at the first use, one member of the outer set.
 *
 * libuv documents this way of embedding: poll uv_backend_fd, and call
 * uv_run(UV_RUN_NOWAIT) when it is readable or uv_backend_timeout has passed. One
 * thing more is needed: libuv hands its descriptors to epoll only inside uv_run,
 * so whoever starts a handle says so (wf_loop_touch_uv), and it runs before the
 * loop sleeps.
 *
 * uv_run does nothing at all while no handle is active, so then the member is
 * taken out of the set: a readable one would keep the loop awake for nothing.
 *
 * This is the only file of the floor that knows libuv. The poller reaches it by
 * the function pointers set here, so that a build without libuv leaves it out.
 *
 * Thread: the loop's. libuv's callbacks run in the append phase: they only queue.
 */

#include "base/alloc.h"
#include "loop/loop.h"
#include "weft/error.h"

#include <sys/epoll.h>
#include <uv.h>

struct wf_uv {
    uv_loop_t loop;
    struct wf_watch watch;    /* of the backend descriptor */
    struct wf_poller *poller; /* borrowed: it owns this */
};

static void on_backend_ready(struct wf_watch *watch, uint32_t events)
{
    struct wf_uv *uv = WF_CONTAINER_OF(watch, struct wf_uv, watch);

    (void)events;
    uv->poller->uv_is_touched = true; /* it runs when all watches have had their turn */
}

static void set_deadline(struct wf_poller *poller, uv_loop_t *loop)
{
    int ms = uv_backend_timeout(loop);

    if (ms > 0) {
        uv_update_time(loop);
        ms = uv_backend_timeout(loop);
    }
    if (ms == 0) {
        poller->uv_is_touched = true;
    }
    poller->uv_deadline = ms > 0 ? weft_clock_now() + WEFT_MS(ms) : WEFT_FOREVER;
}

/* In the set exactly while libuv would look at its own. */
static void set_watched(struct wf_poller *poller, bool is_watched)
{
    struct wf_uv *uv = poller->uv;

    if (!is_watched) {
        wf_watch_remove(poller, &uv->watch);
    } else if (uv->watch.fd < 0 && wf_watch_add_events(poller, &uv->watch, uv_backend_fd(&uv->loop),
                                                       EPOLLIN, on_backend_ready) < 0) {
        poller->uv_is_touched = true; /* without memory: tried again in the next poll */
    }
}

static void run_uv(struct wf_poller *poller)
{
    struct wf_uv *uv = poller->uv;

    (void)uv_run(&uv->loop, UV_RUN_NOWAIT); /* whether handles are left is asked below */
    bool is_alive = uv_loop_alive(&uv->loop);
    set_watched(poller, is_alive);
    if (is_alive) {
        set_deadline(poller, &uv->loop);
    } else {
        poller->uv_deadline = WEFT_FOREVER;
    }
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Runs close callbacks, and waits for requests that libuv's threads have begun. */
static void close_uv(struct wf_poller *poller)
{
    struct wf_uv *uv = poller->uv;

    wf_watch_remove(poller, &uv->watch);
    while (uv_loop_close(&uv->loop) == UV_EBUSY) {
        uv_walk(&uv->loop, close_handle, NULL);
        (void)uv_run(&uv->loop, UV_RUN_DEFAULT);
    }
    poller->uv_is_touched = false;
    wf_free(uv);
}

static const struct wf_uv_ops ops = { run_uv, close_uv };

static int make_uv(struct wf_poller *poller)
{
    struct wf_uv *uv = wf_new(struct wf_uv);

    if (uv == NULL) {
        return WEFT_ENOMEM;
    }
    int r = wf_alloc_may_fail_now() ? UV_EMFILE : uv_loop_init(&uv->loop);
    if (r < 0) {
        wf_free(uv);
        return r;
    }
    uv->watch.fd = -1;
    uv->poller = poller;
    poller->uv = uv;
    poller->uv_ops = &ops;
    return 0;
}

int wf_loop_get_uv(weft_loop *loop, struct uv_loop_s **out_uv)
{
    if (loop->poller.uv == NULL) {
        int r = make_uv(&loop->poller);
        if (r < 0) {
            return r;
        }
        loop->poller.uv->loop.data = loop;
    }
    *out_uv = &loop->poller.uv->loop;
    return 0;
}

void wf_loop_touch_uv(weft_loop *loop)
{
    loop->poller.uv_is_touched = loop->poller.uv != NULL;
}
