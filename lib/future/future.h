#ifndef WF_FUTURE_FUTURE_H
#define WF_FUTURE_FUTURE_H

/*
 * The inside of a future: embedding it, and waiting for it.
 *
 * Whoever waits, a callback or a task, stands in one list in the order of
 * coming. When the future is done each of them is queued, in that order, and
 * the list is empty; nothing runs inside set_result or cancel.
 *
 * Tasks, gathers, shields and wrapped futures embed a future and answer its
 * cancel in their own way (ops). The tag in the object tells a coroutine object
 * from a future.
 *
 * Thread: the loop's.
 */

#include "base/assert.h"
#include "base/error.h"
#include "base/list.h"
#include "base/text.h"
#include "loop/loop.h"
#include "thread/atomic.h"
#include "thread/mailbox.h"
#include "weft/future.h"

#define WF_FUTURE_MAGIC 0x77664655u
#define WF_CORO_MAGIC   0x7766434fu
#define WF_DEAD_MAGIC   0x77664444u

#define WF_FUTURE_STATE_MAP(X) \
    X(PENDING, "pending")      \
    X(FINISHED, "finished")    \
    X(CANCELLED, "cancelled")

enum wf_future_state {
#define WF_FUTURE_STATE_ENUM(name, text) WF_FUTURE_##name,
    WF_FUTURE_STATE_MAP(WF_FUTURE_STATE_ENUM)
#undef WF_FUTURE_STATE_ENUM
};

const char *wf_future_state_name(enum wf_future_state state);

/* Who waits. `wake` is called once when the future is done, and only queues work. */
struct wf_waiter {
    struct wf_list link;
    void (*wake)(struct wf_waiter *waiter, weft_future *future);
};

/*
 * A callback in an object of one's own: the public one's inside. When the future is
 * done `run` is queued as work of its own, and the future is kept alive until then.
 */
struct wf_future_callback {
    struct wf_waiter waiter;
    struct wf_work work;
    weft_future *future; /* ref from the queueing to the run, else borrowed */
    void (*run)(struct wf_future_callback *callback);
    /* Instead of run, when there will be no turn any more: let go. May be NULL. */
    void (*drop)(struct wf_future_callback *callback);
};

/* What embeds a future, for whoever looks in from outside (lib/inspect). */
enum wf_future_tag {
    WF_FUTURE_PLAIN,
    WF_FUTURE_TASK,    /* struct wf_task */
    WF_FUTURE_GATHER,  /* struct wf_gather (task/waits.h) */
    WF_FUTURE_SHIELD,  /* struct wf_shield (task/waits.h) */
    WF_FUTURE_WRAPPED, /* struct wf_wrapped (bridge/bridge.h) */
};

struct wf_future_ops {
    const char *kind; /* "Future", "Task", "_GatheringFuture": for descriptions */
    /* weft_future_cancel of a pending one. NULL: it is cancelled at once. */
    int (*cancel)(weft_future *future, const char *message);
    /*
     * Adds " name='x' ..." to a description, after kind and state; without what it waits
     * for when it stands inside another's description. May be NULL.
     */
    void (*describe)(const weft_future *future, struct wf_text *text, bool is_nested);
    /* Adds the name that reports go by, the subject. NULL: it has none. */
    void (*add_name)(const weft_future *future, struct wf_text *text);
    /* The last reference is gone; value, error and message are released. NULL: wf_free. */
    void (*destroy)(weft_future *future);
    /* Not 0: users may not set its result (tasks, gathers). */
    bool is_sealed;
    uint8_t tag; /* enum wf_future_tag */
};

struct weft_future {
    uint32_t magic;
    uint32_t n_refs;
    uint8_t state; /* enum wf_future_state */
    bool is_task : 1;
    bool has_fleeting_message : 1; /* of its cancel: for the first who asks, as in asyncio */
    bool is_message_taken : 1;
    unsigned unread_age : 3; /* unread.c */
    bool is_marked : 1;      /* by whoever looks for duplicates, while it looks */
    bool is_value_taken;     /* a value with a destructor went to somebody */
    bool is_unretrieved; /* an error nobody asked for: reported at the last unref, or the loop's */
    int code;            /* 0 or the error, once finished */
    weft_loop *loop;     /* ref held by the task floor's slot; borrowed here */
    const struct wf_future_ops *ops;
    struct wf_list waiters; /* of struct wf_waiter.link */
    union {
        weft_value value;
        struct wf_list unread; /* while is_unretrieved: in the loop's list of those */
    };
    weft_error *error;    /* ref or NULL */
    char *cancel_message; /* owned or NULL */
    const weft_origin *origin;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    /* What other threads ask for: a cancel (bit 0) and unrefs (the rest), one post for all. */
    wf_atomic_u32 remote;
    union { /* the post becomes the work when it is delivered */
        struct wf_post post;
        struct wf_work work;
    } remote_node;
};

static inline bool wf_future_is_done(const weft_future *future)
{
    return future->state != WF_FUTURE_PENDING;
}

/* weft_future_describe, added to <text>; <is_nested>: inside another's description. */
void wf_future_describe(const weft_future *future, struct wf_text *text, bool is_nested);

/* In memory that the caller owns; one reference. <loop> was checked. */
void wf_future_init(weft_future *future, weft_loop *loop, const struct wf_future_ops *ops,
                    const weft_origin *origin);

/* The check with which entry points begin: object and owner. 0 or a code, reported. */
WF_COLD int wf_future_refuse(const weft_future *future);
static inline int wf_future_check(const weft_future *future)
{
    return __builtin_expect(future != NULL && future->magic == WF_FUTURE_MAGIC &&
                                wf_loop_is_owned(future->loop),
                            1)
               ? 0
               : wf_future_refuse(future);
}

/* Finish a pending future. Takes value or error (which may be NULL). Never fails. */
void wf_future_finish(weft_future *future, weft_value value);
void wf_future_fail(weft_future *future, int code, weft_error *error);
void wf_future_set_cancelled(weft_future *future, const char *message);

/* Cancel through the ops: 0 when taken, WEFT_EINVALIDSTATE when done. No owner check. */
int wf_future_request_cancel(weft_future *future, const char *message);

/*
 * Take the outcome of a done future into the running frame, as await does: the
 * value moves or is copied, an error becomes the current one and is retrieved.
 */
int wf_future_take(weft_future *future, weft_value *out_value);

/*
 * The error of a done future that failed or was cancelled: a reference, or NULL when it is the
 * code alone. A fleeting message goes with it.
 */
weft_error *wf_future_get_error(weft_future *future);

/* Pending futures only. */
static inline void wf_future_add_waiter(weft_future *future, struct wf_waiter *waiter)
{
    wf_list_append(&future->waiters, &waiter->link);
}

/* Run callback->run(callback) in a turn after <future> is done; also when it is done already. */
void wf_future_add_callback(weft_future *future, struct wf_future_callback *callback);
/* True when it will not run: it was not queued yet. */
bool wf_future_remove_callback(struct wf_future_callback *callback);
/* Take it out of wherever it stands, also when it was queued: its memory may go. */
void wf_future_withdraw_callback(struct wf_future_callback *callback);

/* <future> will never be done: drop its callbacks. */
void wf_future_abandon(weft_future *future);

/* The last reference is gone. */
void wf_future_destroy(weft_future *future);

/* The same after the loop has closed, on any thread. */
void wf_future_release_late(weft_future *future);

/* weft_future_ref for the loop's thread, which nobody needs to check. */
static inline void wf_future_hold(weft_future *future)
{
    if (__builtin_expect(future->loop->is_over, 0)) {
        (void)__atomic_fetch_add(&future->n_refs, 1, __ATOMIC_RELAXED); /* others may release */
    } else {
        future->n_refs++;
    }
}

/* weft_future_unref for the loop's thread, which nobody needs to check. */
static inline void wf_future_release(weft_future *future)
{
    if (__builtin_expect(future->loop->is_over, 0)) {
        wf_future_release_late(future);
    } else if (--future->n_refs == 0) {
        wf_future_destroy(future);
    }
}

/* The slow half of wf_future_set_retrieved (unread.c). */
void wf_future_mark_read(weft_future *future);
/* It has failed: its error is unread from now on. */
void wf_unread_add(weft_future *future);
/* The last reference goes, and nobody has asked. */
void wf_unread_report(weft_future *future);
/* The loop has its first future. */
void wf_unread_prepare(weft_loop *loop);
/* weft_monitor_limits.error_unread; 0: the default. */
void wf_loop_set_unread_limit(weft_loop *loop, weft_duration limit);

/* Nobody needs to ask for its error any more. */
static inline void wf_future_set_retrieved(weft_future *future)
{
    if (__builtin_expect(future->is_unretrieved, 0)) {
        wf_future_mark_read(future);
    }
}

/* A no-op once it was woken. */
static inline void wf_future_remove_waiter(struct wf_waiter *waiter)
{
    wf_list_remove(&waiter->link);
}

#endif
