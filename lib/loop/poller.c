/*
 * The poller: where a loop meets the kernel, the clock and the other threads.
 *
 * One poll: libuv first, if it was touched, so that what it wants watched is in
 * its set; then one epoll_wait, which sleeps only when nothing is queued; then the
 * mailbox is emptied, then each ready watch appends its work, then libuv runs if
 * its set was ready or its timeout is due. Nothing here runs user code, so a watch
 * that epoll named cannot go away before its turn comes, and a stale event cannot
 * exist.
 *
 * A thread that posts rings the doorbell only when the mailbox says that the loop
 * sleeps. The doorbell stands in the set edge-triggered and is never read.
 *
 * Before sleeping the loop may spin for a moment, looking at the mailbox and the
 * set: a sleep and a wake-up between cores cost a hundred times what the answer of
 * a busy neighbour does. It spins only while somebody could answer (another loop
 * runs, or a completion is owed), there is a second processor, and spins paid of
 * late; one sleep in N_POSTS_PER_TRIAL that a post ended earns a trial.
 *
 * The virtual clock: after a look that found nothing, time jumps to the deadline.
 * It waits for real while other threads owe completions, or when there is nothing
 * to jump to.
 *
 * Thread: the loop's.
 */

#include "loop/poller.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "weft/log.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_EVENTS = 256,
    SPIN_NS = 30000,
    N_PAUSES = 64, /* looks at the mailbox between two looks at the set */
    MAX_CREDIT = 8,
    N_POSTS_PER_TRIAL = 16
};

static int n_running;     /* atomic, relaxed: a hint for the spin */
static bool lacks_pwait2; /* atomic, relaxed: the kernel said ENOSYS once */

/* ---- watches ------------------------------------------------------------ */

static int control(struct wf_poller *poller, int operation, struct wf_watch *watch, int fd,
                   uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    return epoll_ctl(poller->epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

int wf_watch_add_events(struct wf_poller *poller, struct wf_watch *watch, int fd, uint32_t events,
                        wf_watch_fn *on_ready)
{
    int r = wf_alloc_may_fail_now() ? -ENOSPC : control(poller, EPOLL_CTL_ADD, watch, fd, events);

    if (r < 0) {
        return r;
    }
    watch->fd = fd;
    watch->on_ready = on_ready;
    poller->n_watches++;
    return 0;
}

int wf_watch_add(struct wf_poller *poller, struct wf_watch *watch, int fd, wf_watch_fn *on_ready)
{
    return wf_watch_add_events(poller, watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                               on_ready);
}

int wf_watch_change(struct wf_poller *poller, struct wf_watch *watch, uint32_t events)
{
    return control(poller, EPOLL_CTL_MOD, watch, watch->fd, events);
}

void wf_watch_remove(struct wf_poller *poller, struct wf_watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    /* Fails when the descriptor was closed too early: then the kernel forgot it already. */
    (void)control(poller, EPOLL_CTL_DEL, watch, watch->fd, 0);
    watch->fd = -1;
    poller->n_watches--;
}

/* ---- life --------------------------------------------------------------- */

static bool may_use_several_cpus(void)
{
    cpu_set_t cpus;

    /* Fails on machines with more processors than the set holds. */
    return sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) > 1;
}

int wf_poller_init(struct wf_poller *poller, bool is_virtual, int doorbell)
{
    int epoll = wf_alloc_may_fail_now() ? -EMFILE : epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0) {
        return epoll == -1 ? -errno : epoll;
    }
    *poller = (struct wf_poller){
        .epoll = epoll,
        .is_virtual = is_virtual,
        .has_cpus = !is_virtual && may_use_several_cpus(),
        .now = WEFT_S(1), /* not 0, which means "no time" elsewhere */
        .uv_deadline = WEFT_FOREVER,
    };
    int r = control(poller, EPOLL_CTL_ADD, NULL, doorbell, EPOLLIN | EPOLLET);
    if (r < 0) {
        wf_poller_fini(poller);
    }
    return r;
}

void wf_poller_close_uv(struct wf_poller *poller)
{
    if (poller->uv != NULL) {
        poller->uv_ops->fini(poller);
        poller->uv = NULL;
        poller->uv_deadline = WEFT_FOREVER;
    }
}

void wf_poller_fini(struct wf_poller *poller)
{
    wf_poller_close_uv(poller);
    if (poller->epoll >= 0) {
        close(poller->epoll);
        poller->epoll = -1;
    }
}

void wf_poller_count_running(int change)
{
    __atomic_fetch_add(&n_running, change, __ATOMIC_RELAXED);
}

/* Where the meter reads no clock. A few ms are near enough to say since when a task waits. */
void wf_loop_note_time(weft_loop *loop)
{
    loop->polled_at = loop->poller.is_virtual ? loop->poller.now : wf_clock_coarse();
}

/* ---- asking the kernel -------------------------------------------------- */

/* Without epoll_pwait2: whole milliseconds, rounded up, since nothing may come early. */
static int wait_coarsely(int epoll, struct epoll_event *events, weft_duration timeout)
{
    weft_duration ms = timeout / 1000000 + (timeout % 1000000 != 0);

    return epoll_wait(epoll, events, MAX_EVENTS, ms < INT_MAX ? (int)ms : INT_MAX);
}

int wf_loop_wait_for_events(int epoll, struct epoll_event *events, weft_duration timeout)
{
    int n;

    if (timeout == WEFT_FOREVER) {
        n = epoll_wait(epoll, events, MAX_EVENTS, -1);
    } else if (__atomic_load_n(&lacks_pwait2, __ATOMIC_RELAXED)) {
        n = wait_coarsely(epoll, events, timeout);
    } else {
        struct timespec relative = { .tv_sec = timeout / 1000000000,
                                     .tv_nsec = timeout % 1000000000 };
        n = epoll_pwait2(epoll, events, MAX_EVENTS, &relative, NULL);
        if (n < 0 && errno == ENOSYS) {
            __atomic_store_n(&lacks_pwait2, true, __ATOMIC_RELAXED);
            n = wait_coarsely(epoll, events, timeout);
        }
    }
    WF_ASSERT(n >= 0 || errno == EINTR);
    return n > 0 ? n : 0;
}

static int look(const struct wf_poller *poller, struct epoll_event *events)
{
    int n = epoll_wait(poller->epoll, events, MAX_EVENTS, 0);

    return n > 0 ? n : 0;
}

/* A look that is left out where nothing could be seen. */
static int look_if_watched(const weft_loop *loop, struct epoll_event *events)
{
    const struct wf_poller *poller = &loop->poller;

    return poller->n_watches > 0 || loop->has_host ? look(poller, events) : 0;
}

/* ---- spinning and sleeping ---------------------------------------------- */

/* Whether the clock is read around what asks the kernel (stats.c). */
static bool is_metered(const weft_loop *loop)
{
    return loop->debug != WEFT_DEBUG_OFF && !loop->poller.is_virtual;
}

static bool should_spin(const weft_loop *loop)
{
    const struct wf_poller *poller = &loop->poller;

    return poller->n_spins_paid > 0 && poller->has_cpus &&
           (loop->n_owed > 0 || __atomic_load_n(&n_running, __ATOMIC_RELAXED) > 1);
}

static void pause_processor(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static bool spin_on_mailbox(const weft_loop *loop)
{
    for (int i = 0; i < N_PAUSES; i++) {
        if (wf_mailbox_has_posts(&loop->mailbox)) {
            return true;
        }
        pause_processor();
    }
    return false;
}

/* True when something came; then the set was looked at too, and *n events are there. */
static bool spin(weft_loop *loop, struct epoll_event *events, weft_duration timeout, int *n)
{
    struct wf_poller *poller = &loop->poller;
    weft_time now = weft_clock_now();
    weft_time end = now + (timeout < SPIN_NS ? timeout : SPIN_NS);

    if (is_metered(loop)) {
        wf_loop_meter_pause(loop, now);
    }
    do {
        bool has_posts = spin_on_mailbox(loop);
        *n = look_if_watched(loop, events);
        if (has_posts || *n > 0) {
            if (poller->n_spins_paid < MAX_CREDIT) {
                poller->n_spins_paid++;
            }
            if (is_metered(loop)) {
                wf_loop_meter_resume(loop, now);
            }
            return true;
        }
        now = weft_clock_now();
    } while (now < end);
    poller->n_spins_paid--;
    return false;
}

/* A sleep that a post ended might have been a spin: try one now and then. */
static void note_wake_up(weft_loop *loop)
{
    struct wf_poller *poller = &loop->poller;

    if (poller->n_spins_paid == 0 && wf_mailbox_has_posts(&loop->mailbox) &&
        ++poller->n_posts_met == N_POSTS_PER_TRIAL) {
        poller->n_posts_met = 0;
        poller->n_spins_paid = 1;
    }
}

/* ---- what the polls measure ---------------------------------------------- */

static void note_sleep(weft_loop *loop, weft_duration asked, weft_duration took, int n_events)
{
    struct wf_loop_meter *meter = &loop->meter;

    wf_histogram_add_shared(&meter->poll_asked, asked);
    wf_histogram_add_shared(&meter->poll_actual, took);
    if (took - asked >= WF_POLL_LATE) {
        wf_meter_count(&meter->n_late_polls);
    }
    if (took - asked >= WF_POLL_LATE || loop->debug == WEFT_DEBUG_FULL) {
        weft_log(WEFT_LOG_DEBUG, "weft", "loop '%s': poll %.3f ms took %.3f ms: %d events",
                 loop->name, (double)asked / 1e6, (double)took / 1e6, n_events);
    }
}

/* Sleep, and keep the times: of the turns before, and of a sleep with a limit. */
static int sleep_and_note(weft_loop *loop, struct epoll_event *events, weft_duration timeout)
{
    if (!is_metered(loop)) {
        return wf_loop_wait_for_events(loop->poller.epoll, events, timeout);
    }
    weft_time start = weft_clock_now();
    wf_loop_meter_pause(loop, start);
    int n = wf_loop_wait_for_events(loop->poller.epoll, events, timeout);
    weft_time end = weft_clock_now();
    wf_loop_meter_resume(loop, end);
    if (timeout != WEFT_FOREVER) {
        note_sleep(loop, timeout, end - start, n);
    }
    return n;
}

/* A look between two turns. It costs a system call, so the clock may be read too. */
static int look_and_note(weft_loop *loop, struct epoll_event *events)
{
    const struct wf_poller *poller = &loop->poller;

    if (poller->n_watches == 0 && !loop->has_host) {
        return 0;
    }
    int n = look(poller, events);
    if (is_metered(loop)) {
        weft_time now = weft_clock_now();
        wf_loop_meter_pause(loop, now);
        wf_loop_meter_resume(loop, now);
    }
    return n;
}

static int sleep_for(weft_loop *loop, struct epoll_event *events, weft_duration timeout)
{
    int n = 0;

    if (should_spin(loop) && spin(loop, events, timeout, &n)) {
        return n;
    }
    if (!wf_mailbox_try_sleep(&loop->mailbox)) {
        return look_and_note(loop, events); /* something was posted meanwhile */
    }
    n = sleep_and_note(loop, events, timeout);
    wf_mailbox_wake(&loop->mailbox);
    note_wake_up(loop);
    return n;
}

/* ---- appending ---------------------------------------------------------- */

static void take_posts(weft_loop *loop)
{
    struct wf_post *post = wf_mailbox_take(&loop->mailbox);

    if (loop->spent_calls != NULL) {
        wf_remote_calls_offer(loop);
    }
    while (post != NULL) {
        struct wf_post *next = post->next; /* the post is its receiver's from now on */
        WF_PROBE3(mailbox_deliver, &loop->mailbox, post, post->deliver);
        post->deliver(post);
        post = next;
    }
}

static void run_uv(struct wf_poller *poller)
{
    poller->uv_is_touched = false;
    poller->uv_ops->run(poller);
}

static void dispatch(weft_loop *loop, struct epoll_event *events, int n)
{
    struct wf_poller *poller = &loop->poller;

    take_posts(loop);
    if (__builtin_expect(loop->open_order != 0, 0)) {
        wf_loop_permute(loop, events, (size_t)n, sizeof *events);
    }
    for (int i = 0; i < n; i++) {
        struct wf_watch *watch = events[i].data.ptr;
        if (watch != NULL) { /* NULL: the doorbell */
            watch->on_ready(watch, events[i].events);
        }
    }
    if (__builtin_expect(poller->uv_is_touched, 0) ||
        (__builtin_expect(poller->uv_deadline != WEFT_FOREVER, 0) &&
         poller->uv_deadline <= weft_clock_now())) {
        run_uv(poller);
    }
}

/* ---- the poll ----------------------------------------------------------- */

/* How long to sleep on the real clock; <until> may be WEFT_FOREVER. */
static weft_duration time_left(const struct wf_poller *poller, weft_time until)
{
    if (poller->uv_deadline < until) {
        until = poller->uv_deadline;
    }
    if (until == WEFT_FOREVER) {
        return WEFT_FOREVER;
    }
    weft_time now = weft_clock_now();
    return until > now ? until - now : 0;
}

static void poll_for_real(weft_loop *loop, weft_time until)
{
    struct epoll_event events[MAX_EVENTS];
    weft_duration timeout = until == WF_POLL_NO_WAIT ? 0 : time_left(&loop->poller, until);
    int n = timeout > 0 ? sleep_for(loop, events, timeout) : look_and_note(loop, events);

    if (!is_metered(loop) && (timeout > 0 || loop->poller.n_watches > 0)) {
        wf_loop_note_time(loop);
    }
    dispatch(loop, events, n);
}

static void poll_virtually(weft_loop *loop, weft_time until)
{
    struct wf_poller *poller = &loop->poller;

    poll_for_real(loop, WF_POLL_NO_WAIT);
    if (until == WF_POLL_NO_WAIT || !wf_list_is_empty(&loop->ready) || loop->is_stopping ||
        poller->uv_is_touched) {
        return;
    }
    if (loop->n_owed > 0 || until == WEFT_FOREVER) {
        poll_for_real(loop, WEFT_FOREVER);
    } else if (poller->now < until) {
        poller->now = until;
    }
}

void wf_loop_poll(weft_loop *loop, weft_time until)
{
    struct wf_poller *poller = &loop->poller;

    if (__builtin_expect(poller->uv_is_touched, 0)) {
        run_uv(poller);
        /* Its callbacks queued something, or want it to run once more. */
        if (!wf_list_is_empty(&loop->ready) || poller->uv_is_touched) {
            until = WF_POLL_NO_WAIT;
        }
    }
    if (__builtin_expect(poller->is_virtual, 0)) {
        poll_virtually(loop, until);
    } else {
        poll_for_real(loop, until);
    }
}
