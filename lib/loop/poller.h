#ifndef WF_LOOP_POLLER_H
#define WF_LOOP_POLLER_H

/*
 * The poller: the one seam between a loop and the kernel, the clock and libuv.
 *
 * weft's own epoll set is the outer one. Sockets, listeners, the doorbell and
 * pidfds stand in it; libuv's set is one member more (uv_backend_fd), and
 * uv_run(NOWAIT) is called only when that member is ready, libuv's own timeout
 * is due, or a libuv handle was touched.
 *
 * A virtual clock replaces the sleep: where the loop would wait for a timer the
 * clock jumps to it, after descriptors were asked without waiting. While other
 * threads owe completions it really waits, and time stands still.
 *
 * Thread: the loop's. Only the mailbox's doorbell reaches in from outside.
 */

#include "weft/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_watch;

/* Append phase: queue work, run no user code. <events> are EPOLL bits. */
typedef void wf_watch_fn(struct wf_watch *watch, uint32_t events);

/* A registered descriptor; lives in the object that owns it. */
struct wf_watch {
    int fd; /* borrowed: -1 when not registered */
    wf_watch_fn *on_ready;
};

struct wf_poller {
    int epoll; /* owned */
    bool is_virtual;
    bool uv_is_touched;
    weft_time now;         /* virtual: the clock; real: the last reading */
    struct wf_uv *uv;      /* owned, NULL until used */
    unsigned n_spins_paid; /* adaptive spin before sleeping: successes of late */
    size_t n_watches;
};

int wf_poller_init(struct wf_poller *poller, bool is_virtual);
void wf_poller_fini(struct wf_poller *poller);

/* Both directions, edge-triggered. A system code (-EEXIST, -EPERM, -ENOSPC). */
int wf_watch_add(struct wf_poller *poller, struct wf_watch *watch, int fd, wf_watch_fn *on_ready);
/* The same with EPOLL bits of one's own choice, and changing them. */
int wf_watch_add_events(struct wf_poller *poller, struct wf_watch *watch, int fd, uint32_t events,
                        wf_watch_fn *on_ready);
int wf_watch_change(struct wf_poller *poller, struct wf_watch *watch, uint32_t events);
/* Before the descriptor is closed; a no-op when not registered. */
void wf_watch_remove(struct wf_poller *poller, struct wf_watch *watch);

#endif
