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

/* A sleep that took so much longer than asked is told at level DEBUG. */
#define WF_POLL_LATE WEFT_MS(1)

struct wf_poller {
    int epoll; /* owned */
    bool is_virtual;
    bool uv_is_touched;    /* libuv has something to do, or to register with its set */
    bool has_cpus;         /* the process may use several: spinning can pay */
    weft_time now;         /* virtual clock only */
    weft_time uv_deadline; /* of libuv's own timers, on the real clock; WEFT_FOREVER: none */
    struct wf_uv *uv;      /* owned, NULL until used */
    const struct wf_uv_ops *uv_ops; /* set with uv: the poller itself knows no libuv */
    unsigned n_spins_paid;          /* adaptive spin before sleeping: successes of late */
    unsigned n_posts_met;           /* sleeps ended by a post since the last trial spin */
    size_t n_watches;
};

/* How the poller drives libuv (uv_poller.c). */
struct wf_uv_ops {
    void (*run)(struct wf_poller *poller);  /* callbacks run here; sets uv_deadline */
    void (*fini)(struct wf_poller *poller); /* all handles that are left are closed */
};

/* <doorbell> is borrowed: it goes after the poller. A system code. */
int wf_poller_init(struct wf_poller *poller, bool is_virtual, int doorbell);
/* Twice is harmless. */
void wf_poller_fini(struct wf_poller *poller);
/* Close what libuv has open, running its callbacks. */
void wf_poller_close_uv(struct wf_poller *poller);

/* ---- a poll ------------------------------------------------------------- */

struct weft_loop;

#define WF_POLL_NO_WAIT INT64_MIN

/*
 * The first two steps of a turn: wait for events, until <until> on the loop's clock at most,
 * and append what they have to run. WF_POLL_NO_WAIT only looks and reads no clock.
 */
void wf_loop_poll(struct weft_loop *loop, weft_time until);
/* Set loop->polled_at. */
void wf_loop_note_time(struct weft_loop *loop);
/*
 * The function in which a loop sleeps; one of its own, so that a stack trace tells it. <timeout>
 * in nanoseconds, or WEFT_FOREVER. The number of events; 0 after a signal.
 */
struct epoll_event;
__attribute__((noinline)) int wf_loop_wait_for_events(int epoll, struct epoll_event *events,
                                                      weft_duration timeout);
/* When not, a poll that does not wait finds nothing but posts. */
static inline bool wf_poller_has_members(const struct wf_poller *poller)
{
    return poller->n_watches > 0 || poller->uv_is_touched || poller->uv_deadline != WEFT_FOREVER;
}
/* Loops that run on some thread now; for the spin. */
void wf_poller_count_running(int change);

/* ---- watches ------------------------------------------------------------ */

/* Both directions, edge-triggered. A system code (-EEXIST, -EPERM, -ENOSPC). */
int wf_watch_add(struct wf_poller *poller, struct wf_watch *watch, int fd, wf_watch_fn *on_ready);
/* The same with EPOLL bits of one's own choice, and changing them. */
int wf_watch_add_events(struct wf_poller *poller, struct wf_watch *watch, int fd, uint32_t events,
                        wf_watch_fn *on_ready);
int wf_watch_change(struct wf_poller *poller, struct wf_watch *watch, uint32_t events);
/* Before the descriptor is closed; a no-op when not registered. */
void wf_watch_remove(struct wf_poller *poller, struct wf_watch *watch);

#endif
