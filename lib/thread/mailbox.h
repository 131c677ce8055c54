#ifndef WF_THREAD_MAILBOX_H
#define WF_THREAD_MAILBOX_H

/*
 * A mailbox: any thread posts, one owner takes. One per loop.
 *
 * The node lives in the object that is posted, so posting never allocates and
 * fails only on a closed mailbox. Posts of one thread arrive in their order.
 *
 * All state is one word, `head`:
 *
 *                   post                            try_sleep
 *      +-----------------------------+   EMPTY  ------------------>  SLEEPING
 *      v            take             |     ^    <------------------     |
 *    newest node of a chain  --------+-----+           wake             |
 *      |    ^                        |                                  |
 *      |    +------------------------+----------------------------------+
 *      |                   post, and ring the doorbell
 *      |
 *      +---- close, from any of the three ---->  CLOSED, for ever
 *
 * Only the post that replaces SLEEPING rings. The owner's turn is
 *
 *     for (;;) {
 *         run everything that wf_mailbox_take hands out;
 *         if (wf_mailbox_try_sleep(box)) {   -- false: something came, go on
 *             sleep until the doorbell, a descriptor or a timer says otherwise;
 *             wf_mailbox_wake(box);
 *         }
 *     }
 *
 * The doorbell is registered edge-triggered (EPOLLET) and never read.
 * The posted node belongs to the mailbox until it comes out of take or close.
 * What a node means is told by its `deliver`, which the mailbox never looks at.
 */

#include "thread/atomic.h"

#include <stdbool.h>
#include <stdint.h>

struct wf_post;

/* What the owner does with a node that arrived, on the owner's thread. */
typedef void wf_post_fn(struct wf_post *post);

struct wf_post {
    struct wf_post *next;
    wf_post_fn *deliver;
};

struct wf_mailbox {
    wf_atomic_ptr head;        /* atomic: the states above; publishes the nodes */
    wf_atomic_u32 n_rung;      /* atomic: rings that have let go of this struct */
    uint32_t n_rings_expected; /* owner only: sleeps that ended by a post */
    int doorbell;              /* owned; constant between init and fini */
};

/* A system code when there is no descriptor. */
int wf_mailbox_init(struct wf_mailbox *box);
/*
 * Closes the doorbell, after waiting for a poster that is just ringing it.
 * The mailbox must be closed and its owner awake; nobody may start to post now.
 */
void wf_mailbox_fini(struct wf_mailbox *box);

/* Any thread. 0, or WEFT_ECLOSED: then <post> is still the caller's. */
int wf_mailbox_post(struct wf_mailbox *box, struct wf_post *post);

/* Owner: all that was posted, oldest first; NULL when there is nothing. */
struct wf_post *wf_mailbox_take(struct wf_mailbox *box);
/* Owner: is there something to take? For a bounded spin before sleeping. */
bool wf_mailbox_has_posts(const struct wf_mailbox *box);

/* Owner: true when it may sleep now; false when there is something to take. */
bool wf_mailbox_try_sleep(struct wf_mailbox *box);
/* Owner: after every sleep that try_sleep allowed. */
void wf_mailbox_wake(struct wf_mailbox *box);

/* Owner: the last batch, oldest first; every later post gets WEFT_ECLOSED. */
struct wf_post *wf_mailbox_close(struct wf_mailbox *box);

#endif
