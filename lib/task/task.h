#ifndef WF_TASK_TASK_H
#define WF_TASK_TASK_H

/*
 * The inside of a task: suspending it, waking it, cancelling it.
 *
 * A task that suspends is in exactly one wait. Whoever can end the wait calls
 * wf_wait_wake, once; the task's next step is then queued and the wait takes no
 * cancel any more. A cancel before that calls `cancel`, which takes the wait out
 * of wherever it stands and wakes it with WEFT_ECANCELED, or refuses. A cancel
 * that finds no wait to cancel is remembered and delivered at the next one, or
 * at the resume.
 *
 * The waits stand on the tasks' own stacks: waiting never allocates. When the loop
 * closes, the stacks of the tasks that are left go, and what is on them is lost;
 * `abandon` first takes each wait out of what knows it, woken or not.
 *
 *     struct readable { struct wf_wait wait; struct stream *stream; };
 *
 *     r.wait = WF_WAIT_INIT(let_go_of_stream);
 *     stream->reader = &r;
 *     int code = wf_task_wait(&r.wait);    -- suspends
 *
 * Thread: the loop's.
 */

#include "base/frame.h"
#include "coro/fiber.h"
#include "future/future.h"
#include "weft/task.h"

/* ---- waiting ------------------------------------------------------------ */

struct wf_task;

/*
 * What a wait's object is, for whoever looks in from outside (lib/inspect): the type that stands
 * behind each name.
 */
enum wf_wait_kind {
    WF_WAIT_OTHER,        /* nobody's business; the object is NULL */
    WF_WAIT_FUTURE,       /* weft_future */
    WF_WAIT_SEVERAL,      /* struct wf_several_wait (waits.h) */
    WF_WAIT_GROUP,        /* weft_task_group */
    WF_WAIT_AS_COMPLETED, /* weft_as_completed */
    WF_WAIT_LINE,         /* struct wf_line: lock, event, condition, semaphore, queue */
    WF_WAIT_SLEEP,        /* struct wf_timer */
    WF_WAIT_THREADSAFE,   /* struct wf_shared */
    WF_WAIT_EXECUTOR,     /* weft_executor: room in its queue, or its end */
    WF_WAIT_STREAM,       /* weft_stream */
    WF_WAIT_TRANSPORT,    /* weft_transport */
    WF_WAIT_DATAGRAM,     /* weft_datagram_transport */
    WF_WAIT_SERVER,       /* weft_server */
    WF_WAIT_SOCKET,       /* struct wf_fd_wait */
    WF_WAIT_PROCESS       /* weft_process */
};

struct wf_wait {
    /*
     * The task is cancelled while it waits: detach the wait from what could
     * wake it and call wf_wait_wake(wait, WEFT_ECANCELED), or pass the cancel on
     * to what is awaited; then return true. False: not now, deliver it later.
     */
    bool (*cancel)(struct wf_wait *wait, const char *message);
    /*
     * The loop closes and the task never resumes: detach the wait from all that points to it, and
     * release what it holds. NULL: a cancel, where it was not woken, does all of it.
     */
    void (*abandon)(struct wf_wait *wait);
    struct wf_task *task; /* who waits; set by wf_task_wait */
    const char *what;     /* "sleep", "read", ...: static, for descriptions; may be NULL */
    const void *object;   /* borrowed: what is waited for, of the type that <kind> says */
    int code;
    bool is_woken;
    uint8_t kind;    /* enum wf_wait_kind */
    weft_time since; /* its loop's polled_at when it began; set by wf_task_wait */
};

#define WF_WAIT_INIT(cancel_, what_) WF_WAIT_INIT_WITH(cancel_, NULL, what_)
#define WF_WAIT_INIT_WITH(cancel_, abandon_, what_) \
    WF_WAIT_INIT_FOR(cancel_, abandon_, what_, WF_WAIT_OTHER, NULL)
#define WF_WAIT_INIT_FOR(cancel_, abandon_, what_, kind_, object_) \
    ((struct wf_wait){ (cancel_), (abandon_), NULL, (what_), (object_), 0, false, (kind_), 0 })

/*
 * Suspend the running task until the wait is woken, and return the code it was
 * woken with; WEFT_ECANCELED when a cancel came first, even if it was woken: then
 * `wait->code` tells what is lost by that. The caller must be in a task
 * (wf_task_current).
 */
int wf_task_wait(struct wf_wait *wait);

/* End the wait: its task's next step is queued. Once; not inside wf_task_wait's caller. */
void wf_wait_wake(struct wf_wait *wait, int code);

/* The future that <wait> awaits, or NULL when it waits for something else. */
const weft_future *wf_wait_get_future(const struct wf_wait *wait);
/* What would wake it has gone, with the closing loop: nothing is left for cancel or abandon. */
void wf_wait_disown(struct wf_wait *wait);

/* Let everything else that is ready run once: sleep(0). 0 or WEFT_ECANCELED. */
int wf_task_yield(void);

/*
 * To be called by operations that may succeed without waiting, before they do
 * anything: after 256 of those in one step the task yields. 0 or WEFT_ECANCELED.
 */
int wf_task_spend(void);

/* ---- the task ----------------------------------------------------------- */

struct wf_task {
    weft_future future;    /* first: a task is a future */
    struct wf_fiber fiber; /* has a stack from the first step to the end */
    struct wf_work step;
    struct wf_frame frame;
    struct wf_list link;        /* among the loop's tasks that have not ended */
    struct wf_wait *wait;       /* borrowed: on the task's own stack; NULL while it runs */
    struct wf_starter *starter; /* borrowed: whom an eager first step goes back to; else NULL */
    weft_coro *coro;            /* owned until the body starts */
    weft_coro_fn *fn;
    const weft_origin *coro_origin; /* static: where the coroutine object was made */
    char *name;                     /* owned; NULL: "Task-<number>" */
    char *pending_message;          /* owned: of the cancel that is not delivered yet */
    struct wf_list coros;           /* coroutine objects that its body made and nobody took */
    uint64_t number;
    int code;             /* what the body returned */
    uint32_t n_cancels;   /* requests not taken back */
    uint32_t stack_class; /* of the stack reserved for it */
    uint16_t budget;      /* operations left in this step */
    bool must_cancel;     /* a request waits for its delivery */
};

/* Who made an eager task, while that takes its first step; on the maker's stack. */
struct wf_starter {
    struct wf_fiber *fiber;
    struct wf_task *task; /* NULL: a callback */
    struct wf_frame *frame;
};

/* The running task of this thread, or NULL. */
extern __thread struct wf_task *wf_task_current __attribute__((tls_model("initial-exec")));

static inline struct wf_task *wf_task_of(weft_future *future)
{
    return (struct wf_task *)(void *)future; /* future->is_task was looked at */
}

/*
 * The running task for an operation that suspends: 0, or WEFT_ERUNTIME outside a
 * task, reported as misuse of <what>.
 */
int wf_task_require(const char *what, struct wf_task **out_task);

/* What stands under wf_task_create, with or without the loop's factory. */
int wf_task_create_by(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                      const weft_task_options *options, bool by_factory, weft_task **out_task);

/*
 * Make a task, by the loop's factory if it has one, without the public checks;
 * consumes <coro>, also on failure. The caller owns one reference to *out_task
 * (NULL: detached). For the bridge and the servers, whose origin is the user's.
 */
static inline int wf_task_create(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                                 const weft_task_options *options, weft_task **out_task)
{
    return wf_task_create_by(origin, loop, coro, options, /* by_factory = */ true, out_task);
}

/*
 * The running task meets its cancel: the remembered request is used up, its
 * message becomes the current error. Always WEFT_ECANCELED.
 */
int wf_task_deliver_cancel(struct wf_task *task);

/* The first task runs on this thread: from now on a stack overflow names its task (overflow.c). */
void wf_task_watch_overflow(void);

/* Memory of a task, from and to the loop's cache. NULL without memory. */
struct wf_task_state;
struct wf_task *wf_task_get_memory(struct wf_task_state *state);
void wf_task_give_back(struct wf_task *task);

/* Run a coroutine object in the running task, as a direct call; consumes it. */
int wf_task_run_here(weft_coro *coro, weft_value *out_value);

/* How many tasks of <loop> have not ended. Any thread. */
static inline size_t wf_task_count(const weft_loop *loop)
{
    return wf_loop_count_tasks(loop);
}

#endif
