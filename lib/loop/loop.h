#ifndef WF_LOOP_LOOP_H
#define WF_LOOP_LOOP_H

/*
 * The inside of the loop: what the floors above build on.
 *
 * Work is the one thing that a loop runs. A node of work stands in the object
 * that wants to run (a handle, a task, a future's callback), so that queueing
 * never allocates and cannot fail. One turn, asyncio's _run_once:
 *
 *     poll -> completed I/O is appended -> due timers are appended
 *          -> the queue is detached: the batch -> exactly the batch is run
 *
 * During poll and the two appends no user code runs. While the batch runs,
 * anything that is queued goes to the next turn. Work can be taken back until
 * the moment it runs (wf_loop_take_back), also out of the batch.
 *
 * Floors above keep what they need per loop in a slot, made at its first use and
 * closed, the highest floor first, when the loop closes. The loop never names
 * them.
 *
 * Thread: everything here belongs to the loop's thread, unless it says otherwise.
 */

#include "base/creation.h"
#include "base/frame.h"
#include "base/heap.h"
#include "base/histogram.h"
#include "base/list.h"
#include "loop/poller.h"
#include "loop/watch.h"
#include "thread/mailbox.h"
#include "thread/role.h"
#include "weft/loop.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- work --------------------------------------------------------------- */

struct wf_work;
typedef void wf_work_fn(struct wf_work *work);

struct wf_work {
    struct wf_list link; /* linked while it waits to run */
    wf_work_fn *run;     /* the node is unlinked before it is called */
};

/* What a report says about a piece of work. */
struct wf_work_info {
    char object[256];          /* "<Handle tick() created at main.c:12>" */
    char subject[64];          /* "tick", or a task's name */
    const weft_origin *origin; /* or NULL */
};

/*
 * What else the loop must know about all work with one run function. Floors that
 * queue work of their own tell it once a loop (wf_loop_know_work).
 */
struct wf_work_kind {
    wf_work_fn *run;
    /* The loop closes and <work>, just taken from the queue or its timer, will never run. */
    wf_work_fn *drop; /* NULL: nothing is owned by the queue */
    /* For reports of slow callbacks; called before it runs. */
    void (*describe)(const struct wf_work *work, struct wf_work_info *out_info); /* may be NULL */
    /* The same for a reader of memory, who cannot call: "Handle"; NULL: work of the library. */
    const char *what;
    int origin_at; /* bytes from the work to its const weft_origin *; 0: there is none */
};

/* origin_at of a <type> whose work is <work> and whose origin is <origin>. */
#define WF_WORK_ORIGIN_AT(type, work, origin) \
    ((int)offsetof(type, origin) - (int)offsetof(type, work))

/* Keeps the object of work while that runs, so that it may be described after, if at all. */
struct wf_work_holder {
    wf_work_fn *run; /* which work it is for */
    wf_work_fn *hold;
    wf_work_fn *let_go;
};

enum {
    WF_LOOP_MAX_KINDS = 24
};

/*
 * The loop closes: drop all work and all timers. It does so itself after the slots; a slot whose
 * memory holds some of them (the stacks of tasks) calls it before that memory goes.
 */
void wf_loop_drop_everything(weft_loop *loop);

/* ---- orders that asyncio leaves open (open_order.c) ---------------------- */

enum {
    WF_LOOP_MAX_PERMUTED = 16 /* bytes of an item */
};

/* 0: none. */
void wf_loop_set_seed(weft_loop *loop, uint64_t seed);
/* WEFT_TEST_SEED. */
void wf_loop_seed_from_environment(weft_loop *loop);
/* Without a seed both leave everything as it is. */
void wf_loop_permute(weft_loop *loop, void *items, size_t n, size_t size);
void wf_loop_permute_list(weft_loop *loop, struct wf_list *list);

/* ---- slots -------------------------------------------------------------- */

enum wf_loop_slot_id { /* the order in which they are closed is the reverse */
    WF_LOOP_SLOT_TASK,
    WF_LOOP_SLOT_BRIDGE,
    WF_LOOP_SLOT_IO,
    WF_LOOP_SLOT_SIGNAL,
    WF_LOOP_SLOT_RUNTIME,
    WF_LOOP_N_SLOTS
};

struct wf_loop_slot_ops {
    /*
     * The loop closes: cancel, report and release what is left. No user code runs
     * after it. The mailbox is closed and empty by then, and weft_loop_is_closed
     * is true; libuv's close callbacks run after all slots are closed, before free.
     */
    void (*close)(weft_loop *loop, void *data);
    /* The loop's memory goes; after close. */
    void (*destroy)(void *data);
};

struct wf_loop_slot {
    void *data;
    const struct wf_loop_slot_ops *ops;
};

/* A timer in an object of one's own: when due, its work is appended. */
struct wf_timer {
    struct wf_heap_node node;
    struct wf_work work;
};

/* ---- the meter ---------------------------------------------------------- */

/*
 * What weft_loop_get_stats hands out besides n_turns and n_run. Atomic, relaxed: written by the
 * loop, read by anybody. Times are taken where the poll asks the kernel anyway, so that a turn
 * which does not costs nothing; at debug level off none are. Tasks are counted by their floor.
 */
struct wf_loop_meter {
    weft_time resumed_at; /* the turns that run now began; 0: it sleeps, or nothing is measured */
    uint64_t n_run_then;  /* n_run at that time; the loop's alone */
    uint64_t n_ready;     /* pieces of work that ran between the last two looks at the kernel */
    uint64_t n_timers;    /* at the last look */
    uint64_t n_late_polls;
    uint64_t n_tasks_made;
    uint64_t n_tasks_finished;
    uint64_t n_tasks_cancelled; /* also those that were left when the loop closed */
    uint64_t n_tasks_failed;
    weft_histogram poll_asked; /* of sleeps with a limit */
    weft_histogram poll_actual;
    weft_histogram turn; /* from one look at the kernel to the next, without the sleep */
    weft_histogram lag;  /* of the timer that was overdue most, once a turn that had due ones */
};

/* One more of what only the loop's thread counts. */
__attribute__((always_inline)) static inline void wf_meter_count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* ---- the loop ----------------------------------------------------------- */

struct weft_loop {
    uint32_t magic;
    uint32_t n_refs; /* atomic: references may be dropped on any thread */
    uint64_t owner;  /* atomic: the wf_thread_stamp of the owning thread */
    int owner_tid;   /* atomic: the same thread's number, for messages */
    uint32_t forks;  /* the fork generation in which it was made */
    bool is_running; /* atomic: read by weft_loop_is_running anywhere */
    bool is_closed;  /* atomic: as above */
    bool is_stopping;
    uint8_t attention; /* atomic, relaxed: enum wf_attention; not 0: no direct switch of tasks */
    bool has_host;     /* somebody polls weft_loop_fd: never skip a poll */
    bool chains_turns; /* it runs until stopped: a task may begin a turn that polls nothing */
    bool is_parked;    /* between the turns of a host: the mailbox's state is SLEEPING */

    struct wf_list registry_link; /* in wf_loops; guarded by the registry's mutex */
    struct wf_list ready;         /* runs in the next turn */
    struct wf_list batch;         /* what this turn has still to run */
    struct wf_heap timers;
    struct wf_poller poller;
    struct wf_mailbox mailbox;
    size_t n_owed; /* completions that other threads owe; the virtual clock waits for them */
    uint32_t is_stop_posted; /* atomic: stop_post is in the mailbox */
    struct wf_post stop_post;

    weft_exception_handler_fn *exception_handler;
    void *exception_handler_data;
    enum weft_debug_level debug; /* atomic, relaxed: posters look whether to keep creations */
    weft_duration slow_callback_duration;
    size_t stack_size;
    char *name;       /* owned */
    uint64_t n_turns; /* atomic, relaxed: read by whoever watches the loop */
    /* atomic, relaxed, both: pieces of work begun so far, and the one that runs now (NULL while
     * the loop polls). Other threads only compare it: its memory may be gone. */
    uint64_t n_run;
    struct wf_work *current;
    const weft_origin
        *current_origin;   /* atomic, relaxed: of the user's callback that runs, or NULL */
    weft_time polled_at;   /* on its clock, coarse: when it last asked the kernel; 0: never */
    struct wf_frame frame; /* of callbacks; a task has its own */
    struct wf_frame *outer_frame;                        /* borrowed: of whoever runs the loop */
    const struct wf_work_kind *kinds[WF_LOOP_MAX_KINDS]; /* static */
    const struct wf_work_holder *holder; /* static, of the floor of tasks; NULL: there were none */
    struct wf_loop_slot slots[WF_LOOP_N_SLOTS];
    struct wf_list handles_free; /* cache of weft_handle */
    size_t n_handles_free;
    struct wf_post *spent_calls; /* a chain (remote_call.c) */
    size_t n_spent_calls;
    wf_atomic_ptr offered_calls; /* atomic: a chain of spent calls, for whoever posts */
    size_t n_objects;            /* futures and tasks alive; while there are some they hold a ref */
    wf_atomic_ptr late;          /* atomic: what came while the loop closed (afterlife.c) */
    bool is_over;                /* it has closed: counts are atomic now; as in afterlife.c */
    weft_time created_at;
    const weft_origin *origin;                  /* where it was made, or NULL */
    struct wf_creation *creation;               /* owned, or NULL: as in a future */
    const struct wf_creation *running_creation; /* borrowed: of the callback that runs */
    struct wf_list unread;        /* of weft_future.unread: errors that nobody asked for */
    struct wf_timer unread_timer; /* looks at the old ones of them (future/unread.c) */
    weft_duration unread_limit;   /* 0: the default */
    void (*report_unread)(weft_loop *loop); /* of the floor above; NULL: it had no futures */
    struct wf_fd_table *fds; /* owned: add_reader and add_writer, made at the first use */
    uint64_t open_order;     /* 0: as it comes; else the state of a generator (open_order.c) */
    struct wf_loop_meter meter;
    struct wf_loop_watch watch;
};

/* All loops of the process, through registry_link (thread/registry.h). */
extern struct wf_list wf_loops;

/* The loop that runs on this thread, or NULL. */
extern __thread weft_loop *wf_loop_running __attribute__((tls_model("initial-exec")));

/* The slow half of wf_loop_check: returns the code, and reports a misuse. */
int wf_loop_refuse(const weft_loop *loop);

#define WF_LOOP_MAGIC 0x77664c50u

/* For the loop of an object that was checked. No loop is owned that was made before a fork. */
static inline bool wf_loop_is_owned(const weft_loop *loop)
{
    return __atomic_load_n(&loop->owner, __ATOMIC_RELAXED) == wf_thread_stamp;
}

static inline bool wf_loop_is_mine(const weft_loop *loop)
{
    return loop != NULL && loop->magic == WF_LOOP_MAGIC && wf_loop_is_owned(loop);
}

/*
 * The owner check with which every loop-bound entry point begins: 0, or
 * WEFT_ENOLOOP (no loop given), WEFT_EINVAL (no loop at all), WEFT_EFORKED,
 * WEFT_EWRONGTHREAD, with a message; the last and WEFT_EINVAL are reported.
 */
static inline int wf_loop_check(const weft_loop *loop)
{
    return __builtin_expect(wf_loop_is_mine(loop), 1) ? 0 : wf_loop_refuse(loop);
}

/* The same for the loop of an object that was checked. */
static inline int wf_loop_check_owner(const weft_loop *loop)
{
    return __builtin_expect(wf_loop_is_owned(loop), 1) ? 0 : wf_loop_refuse(loop);
}

/* The same with NULL standing for the running loop, and closed ones refused (WEFT_ECLOSED). */
int wf_loop_resolve_slowly(weft_loop **loop);
static inline int wf_loop_resolve(weft_loop **loop)
{
    weft_loop *found = *loop != NULL ? *loop : wf_loop_running;

    if (__builtin_expect(!wf_loop_is_mine(found) || found->is_closed, 0)) {
        return wf_loop_resolve_slowly(loop);
    }
    *loop = found;
    return 0;
}

/* Who makes an object of <loop> now, in level full; else NULL. Any thread. */
static inline struct wf_creation *wf_loop_capture_creation(const weft_loop *loop)
{
    return __builtin_expect(__atomic_load_n(&loop->debug, __ATOMIC_RELAXED) == WEFT_DEBUG_FULL, 0)
               ? wf_creation_capture()
               : NULL;
}

/* Tell the loop about a kind of work; again and again is harmless. <kind> must be static. */
void wf_loop_know_work(weft_loop *loop, const struct wf_work_kind *kind);

/* ---- running ------------------------------------------------------------ */

/* Queue for the next turn; <work> must not be queued. Never fails. */
static inline void wf_loop_run_soon(weft_loop *loop, struct wf_work *work)
{
    wf_list_append(&loop->ready, &work->link);
}

/* Whether <work> waits to run. */
static inline bool wf_work_is_queued(const struct wf_work *work)
{
    return wf_list_is_linked(&work->link);
}

static inline void wf_work_init(struct wf_work *work, wf_work_fn *run)
{
    wf_list_init(&work->link);
    work->run = run;
}

/* Take queued work back; a no-op for work that is not queued. */
static inline void wf_loop_take_back(struct wf_work *work)
{
    wf_list_remove(&work->link);
}

static inline unsigned wf_loop_get_attention(const weft_loop *loop)
{
    return __atomic_load_n(&loop->attention, __ATOMIC_RELAXED);
}

/* Say what runs now. For the turn, and for whoever goes on with work by itself. */
static inline void wf_loop_enter_work(weft_loop *loop, struct wf_work *work)
{
    __atomic_store_n(&loop->current, work, __ATOMIC_RELAXED);
    __atomic_store_n(&loop->n_run, loop->n_run + 1, __ATOMIC_RELAXED);
}

/*
 * Begin a turn here and now, if its poll and its appends would find nothing: no descriptor, no
 * post, no timer, nobody who wants it to stop. False: the turn belongs to the loop.
 */
static inline bool wf_loop_begin_bare_turn(weft_loop *loop)
{
    if (!loop->chains_turns || loop->is_stopping || wf_list_is_empty(&loop->ready) ||
        loop->timers.n_entries > 0 || wf_poller_has_members(&loop->poller) ||
        wf_mailbox_has_posts(&loop->mailbox)) {
        return false;
    }
    __atomic_store_n(&loop->n_turns, loop->n_turns + 1, __ATOMIC_RELAXED);
    wf_list_splice(&loop->batch, &loop->ready);
    return true;
}

/*
 * For a task that suspends: the next work of this turn's batch if it is <run>, taken out, so that
 * one may go on with it without passing through the loop. When the batch is done and the next turn
 * would find nothing to poll, that turn begins. NULL otherwise, and when the loop's attention is
 * asked for, as always in debug level full.
 */
static inline struct wf_work *wf_loop_take_next(weft_loop *loop, wf_work_fn *run)
{
    if (wf_loop_get_attention(loop) != 0 ||
        (wf_list_is_empty(&loop->batch) && !wf_loop_begin_bare_turn(loop))) {
        return NULL;
    }
    struct wf_work *work = WF_CONTAINER_OF(loop->batch.next, struct wf_work, link);
    if (work->run != run) {
        return NULL;
    }
    wf_list_remove(&work->link);
    wf_loop_enter_work(loop, work);
    return work;
}

/*
 * Whether <loop> may begin to run: 0, or the code of wf_loop_check, WEFT_ECLOSED,
 * WEFT_ERUNTIME.
 */
int wf_loop_check_run(const weft_loop *loop);

/*
 * Run turns until stopped: what run_forever and run_until_complete share. With
 * all checks: the code of wf_loop_check, WEFT_ECLOSED, WEFT_ERUNTIME.
 */
int wf_loop_run(weft_loop *loop);

/* ---- timers ------------------------------------------------------------- */

static inline void wf_timer_init(struct wf_timer *timer, wf_work_fn *run)
{
    wf_heap_node_init(&timer->node);
    wf_work_init(&timer->work, run);
}

/* <timer> must not be started. WEFT_FOREVER never comes and is not stored. WEFT_ENOMEM. */
int wf_timer_start(weft_loop *loop, struct wf_timer *timer, weft_time when);
/* After it the work will not run; harmless when it ran or never started. */
void wf_timer_stop(weft_loop *loop, struct wf_timer *timer);
static inline bool wf_timer_is_started(const struct wf_timer *timer)
{
    return wf_heap_node_is_linked(&timer->node) || wf_work_is_queued(&timer->work);
}

/* The loop's clock; read from the system, or the virtual one. */
weft_time wf_loop_now(weft_loop *loop);
/* now + delay without overflow: WEFT_FOREVER stays, a negative delay is now. */
weft_time wf_loop_deadline(weft_loop *loop, weft_duration delay);

/* ---- crossing threads --------------------------------------------------- */

/*
 * Any thread: `post->deliver` runs on the loop's thread in the append phase. It only queues work:
 * above all it removes no watch. Also when the loop closes: then what it queues is dropped.
 */
static inline int wf_loop_post(weft_loop *loop, struct wf_post *post)
{
    return wf_mailbox_post(&loop->mailbox, post);
}

/* Loop thread: another thread now owes (+1) or has delivered (-1) a completion. */
static inline void wf_loop_owe(weft_loop *loop, int change)
{
    loop->n_owed += (size_t)change;
}

/* ---- descriptors -------------------------------------------------------- */

/*
 * struct wf_watch, wf_watch_add and wf_watch_remove are in poller.h. A watched
 * descriptor is registered once, edge-triggered, for both directions; on_ready
 * runs in the append phase and only queues work.
 */

/* A wait for one direction of a user's descriptor (fds.c). */
struct wf_fd_wait {
    struct wf_list link;
    int fd;
    uint32_t event;
    /* In a turn that found it ready, for the first in line: ends the wait. */
    void (*on_ready)(struct wf_fd_wait *wait);
};

/*
 * Stand in line for <event> (EPOLLIN or EPOLLOUT) of <fd>; link and on_ready are set. A callback of
 * the user's is replaced. WEFT_ERUNTIME when a transport has <fd>, WEFT_EINVAL, WEFT_ENOMEM, a
 * system code.
 */
int wf_loop_wait_for_fd(weft_loop *loop, int fd, uint32_t event, struct wf_fd_wait *wait);
/* Leave the line; harmless when it is not in one. */
void wf_loop_end_fd_wait(weft_loop *loop, struct wf_fd_wait *wait);

/* ---- libuv -------------------------------------------------------------- */

struct uv_loop_s;
/* The libuv loop inside this one, made at the first use. WEFT_ENOMEM or a system code. */
int wf_loop_get_uv(weft_loop *loop, struct uv_loop_s **out_uv);
/* A libuv handle was started, stopped or closed: let libuv run in the next poll. */
void wf_loop_touch_uv(weft_loop *loop);

/* ---- objects ------------------------------------------------------------ */

/*
 * Any thread: give back what the poster owns, after the loop has closed too. As
 * wf_loop_post; while the loop closes, <post> is delivered at the end of that.
 * WEFT_ECLOSED: it is over, and the caller does it, with atomic counts (afterlife.c).
 */
int wf_loop_post_release(weft_loop *loop, struct wf_post *post);
/* Whether the close is done; any thread: then all that it has done is seen. */
bool wf_loop_is_over(weft_loop *loop);
/* The end of a close: deliver what came meanwhile, then it is over. */
void wf_loop_begin_afterlife(weft_loop *loop);
/* wf_loop_hold and wf_loop_let_go, when it is over. */
void wf_loop_hold_late(weft_loop *loop);
void wf_loop_let_go_late(weft_loop *loop);

/*
 * A future, a task, ... of <loop> was made or is gone. All of them together hold
 * one reference, so that the loop's memory outlives them at a plain counter's cost.
 */
static inline void wf_loop_hold(weft_loop *loop)
{
    if (__builtin_expect(loop->is_over, 0)) {
        wf_loop_hold_late(loop);
    } else if (loop->n_objects++ == 0) {
        (void)weft_loop_ref(loop); /* returns its argument */
    }
}

static inline void wf_loop_let_go(weft_loop *loop)
{
    if (__builtin_expect(loop->is_over, 0)) {
        wf_loop_let_go_late(loop);
    } else if (--loop->n_objects == 0) {
        (void)weft_loop_unref(loop); /* always NULL */
    }
}

/* ---- the files of this folder among themselves -------------------------- */

void wf_loop_handles_init(weft_loop *loop); /* handle.c */
void wf_loop_handles_fini(weft_loop *loop);
/* remote_call.c: calls from other threads. Spent ones are offered to posters once a poll. */
void wf_remote_calls_init(weft_loop *loop);
int wf_remote_call(const weft_origin *origin, weft_loop *loop, weft_context *context,
                   weft_callback_fn *fn, void *data);
void wf_remote_calls_offer(weft_loop *loop);
void wf_remote_calls_free(weft_loop *loop);
void wf_loop_fds_destroy(weft_loop *loop);         /* fds.c */
void wf_loop_append_due_timers(weft_loop *loop);   /* timer.c: the third step of a turn */
enum weft_debug_level wf_loop_debug_default(void); /* debug.c: what WEFT_DEBUG says */
void wf_loop_run_timed(weft_loop *loop, struct wf_work *work); /* debug.c */
void wf_loop_describe_work(weft_loop *loop, const struct wf_work *work, struct wf_work_info *info);
void wf_loop_drop_work(weft_loop *loop, struct wf_work *work); /* loop.c */
void wf_loop_unpark(weft_loop *loop);                          /* turn.c */
/* stats.c: the turns up to <now> are over; others begin. Where something is measured. */
void wf_loop_meter_pause(weft_loop *loop, weft_time now);
void wf_loop_meter_resume(weft_loop *loop, weft_time now);
/* Nothing is measured until the next resume. */
void wf_loop_meter_stop(weft_loop *loop);
/* Tasks that have not ended. Any thread; on another one it may be behind for a moment. */
size_t wf_loop_count_tasks(const weft_loop *loop);

/* "<EventLoop 'main' running=0 debug=cheap, 1.234 s old>". Any thread. */
void wf_loop_describe(const weft_loop *loop, char *buffer, size_t size);
/* The end of the process tells of loops and executors that nobody closed (unclosed.c). */
void wf_loop_watch_exit(void);

/* ---- reports ------------------------------------------------------------ */

/* Through the exception handler of <loop> (NULL: straight to the log). */
void wf_loop_report(weft_loop *loop, const weft_report *report);
/* "Exception in callback on_data()": a callback came back with <code>; takes its error trace. */
void wf_loop_report_callback(weft_loop *loop, const weft_origin *origin, int code);
/* Run a user's callback in the loop's frame, and report it when it fails. */
void wf_loop_run_callback(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                          void *data);
/*
 * The same for one that sees <vars>, whose reference this takes: wf_vars_copy_current() at the
 * time of its making (base/context.h). The form above sees what the loop's runner had.
 */
void wf_loop_run_callback_in(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                             void *data, struct wf_vars *vars);
/* The same in level full, for one that was made at <creation>, which this frees. */
void wf_loop_run_callback_made(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                               void *data, struct wf_vars *vars, struct wf_creation *creation);
/* "<Handle tick() created at main.c:12>", for the callback made at <origin>. */
void wf_work_info_set(struct wf_work_info *info, const char *kind, const weft_origin *origin);
/* The name of what was made at <origin>; "callback" when nobody said. */
const char *wf_origin_name(const weft_origin *origin);

#endif
