/*
 * The mailbox: an intrusive list of many producers and one consumer in one
 * atomic word, and the protocol of sleeping in the same word. See the states
 * in mailbox.h.
 *
 * Invariant: while head is SLEEPING nothing is posted, so the post that
 * replaces it, and only that one, must ring. Announcing the sleep and looking
 * once more for posts are one compare-and-swap: a wake-up cannot be lost in
 * between, which is what the models in tests/models show.
 *
 * A post costs one compare-and-swap, a take one exchange and a walk that turns
 * the chain round. There is no ABA: a poster never follows a pointer, and only
 * the owner unlinks, all at once.
 *
 * After its compare-and-swap a poster touches the mailbox only to ring. The
 * owner may have been woken by something else by then, may have taken the
 * post, run it and be closing: therefore fini waits until the rings that
 * happened are as many as the sleeps that a post ended.
 */

#include "thread/mailbox.h"

#include "base/assert.h"
#include "base/probe.h"
#include "thread/doorbell.h"
#include "weft/error.h"

#include <sched.h>
#include <stddef.h>

#define EMPTY    NULL
#define SLEEPING ((void *)1)
#define CLOSED   ((void *)2)

int wf_mailbox_init(struct wf_mailbox *box)
{
    int doorbell = wf_doorbell_open();

    if (doorbell < 0) {
        return doorbell;
    }
    *box = (struct wf_mailbox){ .doorbell = doorbell };
    return 0;
}

void wf_mailbox_fini(struct wf_mailbox *box)
{
    WF_ASSERT(wf_ptr_load_relaxed(&box->head) == CLOSED);
    /* Pairs with the release in wf_mailbox_post: the poster let go before. */
    while (wf_u32_load_acquire(&box->n_rung) != box->n_rings_expected) {
        sched_yield();
    }
    wf_doorbell_close(box->doorbell);
    box->doorbell = -1;
}

int wf_mailbox_post(struct wf_mailbox *box, struct wf_post *post)
{
    void *head = wf_ptr_load_relaxed(&box->head);

    do {
        if (head == CLOSED) {
            return WEFT_ECLOSED;
        }
        post->next = head == SLEEPING ? NULL : head;
        /* Publishes the post; pairs with the acquire of take and close. */
    } while (!wf_ptr_cas_acq_rel(&box->head, &head, post));
    WF_PROBE3(mailbox_post, box, post, head); /* 1 was the owner's sleep, which this one ends */

    if (head == SLEEPING) {
        wf_doorbell_ring(box->doorbell);
        (void)wf_u32_add_release(&box->n_rung, 1); /* the last touch; only the count matters */
    }
    return 0;
}

/* A chain comes newest first; the owner wants it in the order of posting. */
static struct wf_post *turn_round(struct wf_post *newest)
{
    struct wf_post *oldest = NULL;

    while (newest != NULL) {
        struct wf_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

struct wf_post *wf_mailbox_take(struct wf_mailbox *box)
{
    /* Only the owner closes and sleeps, so this look is enough to rule both out. */
    void *head = wf_ptr_load_relaxed(&box->head);

    if (head == EMPTY || head == CLOSED) {
        return NULL;
    }
    WF_ASSERT(head != SLEEPING);
    return turn_round(wf_ptr_exchange_acq_rel(&box->head, EMPTY));
}

bool wf_mailbox_has_posts(const struct wf_mailbox *box)
{
    void *head = wf_ptr_load_relaxed(&box->head);

    return head != EMPTY && head != SLEEPING && head != CLOSED;
}

bool wf_mailbox_try_sleep(struct wf_mailbox *box)
{
    void *head = EMPTY;

    return wf_ptr_cas_acq_rel(&box->head, &head, SLEEPING);
}

void wf_mailbox_wake(struct wf_mailbox *box)
{
    void *head = SLEEPING;

    if (!wf_ptr_cas_acq_rel(&box->head, &head, EMPTY)) {
        box->n_rings_expected++; /* a post ended the sleep: its ring came or will come */
    }
}

struct wf_post *wf_mailbox_close(struct wf_mailbox *box)
{
    void *head = wf_ptr_exchange_acq_rel(&box->head, CLOSED);

    WF_ASSERT(head != SLEEPING);
    return head == CLOSED ? NULL : turn_round(head);
}
