#ifndef WF_BRIDGE_THREADSAFE_H
#define WF_BRIDGE_THREADSAFE_H

/*
 * What the threadsafe queue, semaphore and event have in common: a counted object
 * with a mutex, and lines in which tasks of any loop and plain threads wait.
 *
 *              grant (under the mutex)
 *     in line ------------------------> granted: a post or a futex is on its way
 *        |                                  |  the waiter comes back with it, or hands it
 *        | cancel, limit, its loop's end    |  on when it was cancelled or has vanished
 *        v                                  v
 *     out of line, with a code           gone
 *
 * A waiter stands on the stack of whoever waits. It is in line or it is not, and
 * that is decided under the mutex only: whoever takes it out tells it why, once.
 * The mutex is held for a few instructions; no code of a user runs under it, and no
 * wait. It ranks above mailboxes, which take none.
 *
 * Thread: any.
 */

#include "base/list.h"
#include "thread/atomic.h"
#include "weft/threadsafe.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct wf_shared;

struct wf_shared_ops {
    const char *kind; /* "threadsafe queue" */
    uint32_t magic;
    /* Under the mutex: a waiter of <line> was granted something and has vanished. */
    void (*hand_on)(struct wf_shared *shared, struct wf_list *line);
    /* The last reference is gone; no mutex any more. Frees the memory. */
    void (*destroy)(struct wf_shared *shared);
};

/* First in the object. */
struct wf_shared {
    uint32_t magic;
    uint32_t forks;       /* the fork generation in which it was made */
    wf_atomic_u32 n_refs; /* atomic: the last one sees everything */
    const struct wf_shared_ops *ops;
    const weft_origin *origin; /* static */
    pthread_mutex_t mu;
};

void wf_shared_init(struct wf_shared *shared, const struct wf_shared_ops *ops,
                    const weft_origin *origin);

/* The check with which every entry point begins: 0, WEFT_EINVAL or WEFT_EFORKED. */
int wf_shared_check(const void *object, const struct wf_shared_ops *ops);

/* What ..._ref and ..._unref do. */
void *wf_shared_ref(void *object, const struct wf_shared_ops *ops);
void wf_shared_unref(void *object, const struct wf_shared_ops *ops);

/*
 * Entry to an operation that may wait: the check, and in a task a share of its
 * budget, since others may feed it for ever. Then the mutex is held.
 */
int wf_shared_enter(void *object, const struct wf_shared_ops *ops);

static inline void wf_shared_lock(struct wf_shared *shared)
{
    pthread_mutex_lock(&shared->mu);
}

static inline void wf_shared_unlock(struct wf_shared *shared)
{
    pthread_mutex_unlock(&shared->mu);
}

/* One caller's stay in an operation; all zero at the begin. */
struct wf_stay {
    bool is_granted; /* it got what it waited for, also when a cancel came after that */
    bool has_ref;    /* it waited, and has a reference from then on */
};

/*
 * With the mutex held, which is let go meanwhile: wait at the end of <line>. 0: somebody
 * granted it; negative: the code of wf_shared_wake, WEFT_ETIMEDOUT, WEFT_ECANCELED,
 * WEFT_EDEADLOCK or WEFT_ENOMEM. With stay->is_granted and a negative code the caller
 * hands it on.
 */
int wf_shared_wait(struct wf_shared *shared, struct wf_list *line, weft_duration limit,
                   struct wf_stay *stay);

/* Have a reference for the rest of the stay, before the mutex is let go meanwhile. */
void wf_shared_keep(struct wf_shared *shared, struct wf_stay *stay);

/* Let the mutex go; <r> gets its message and is returned. The object may be gone then. */
int wf_shared_leave(struct wf_shared *shared, const struct wf_stay *stay, int r);

/*
 * With the mutex held: take the first of <line>, which is not empty, out and wake it with
 * <code>, 0 for a grant. False: its loop has closed and it gets nothing; try the next.
 */
bool wf_shared_wake(struct wf_list *line, int code);

/* ---- the objects, for their files and their tests ------------------------ */

struct weft_threadsafe_queue {
    struct wf_shared shared; /* first */
    /* guarded by shared.mu, as all below */
    struct wf_list getters;
    struct wf_list putters;
    weft_value *ring; /* owned */
    size_t capacity;  /* constant: maxsize */
    size_t first;
    size_t n;
    size_t n_promised;
    size_t n_reserved;
    bool is_shut_down;
};

struct weft_threadsafe_semaphore {
    struct wf_shared shared; /* first */
    struct wf_list line;     /* guarded by shared.mu */
    int64_t value;           /* guarded by shared.mu */
};

struct weft_threadsafe_event {
    struct wf_shared shared; /* first */
    struct wf_list line;     /* guarded by shared.mu */
    bool is_set;             /* guarded by shared.mu */
};

#endif
