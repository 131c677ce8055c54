/*
 * What other threads give back to a loop that closes or has closed.
 *
 *     mailbox open --> closed: `late` takes the posts --> OVER
 *                      (the loop is closing)              (is_over)
 *
 * While a loop is open and while it closes, the counts of its objects are plain and
 * its own thread's: others post what they give back. When the close is done there
 * is nobody who would take a post. From then on every thread, the former owner too,
 * counts with atomic operations and does the rest itself.
 *
 * Invariant: who sees OVER sees all that the owner has counted, and is_over; before
 * that no thread but the owner's looks at is_over.
 *
 * Thread: as said at each function.
 */

#include "loop/loop.h"

#include <stddef.h>

#define OVER ((void *)1)

/* Any thread. After it the caller touches neither post nor loop, unless it is over. */
int wf_loop_post_release(weft_loop *loop, struct wf_post *post)
{
    if (wf_loop_post(loop, post) == 0) {
        return 0;
    }
    void *head = wf_ptr_load_acquire(&loop->late);
    do {
        if (head == OVER) {
            (void)wf_ptr_load_acquire(&loop->late); /* pairs with the swap below */
            return WEFT_ECLOSED;
        }
        post->next = head;
    } while (!wf_ptr_cas_acq_rel(&loop->late, &head, post));
    return 0;
}

bool wf_loop_is_over(weft_loop *loop)
{
    return wf_ptr_load_acquire(&loop->late) == OVER; /* pairs with the swap below */
}

/* The thread that closes the loop. What is delivered may let more come. */
void wf_loop_begin_afterlife(weft_loop *loop)
{
    void *nothing = NULL;

    loop->is_over = true;
    /* Publishes it and the counts; pairs with the acquire above. */
    while (!wf_ptr_cas_acq_rel(&loop->late, &nothing, OVER)) {
        struct wf_post *post = wf_ptr_exchange_acq_rel(&loop->late, NULL);
        while (post != NULL) {
            struct wf_post *next = post->next;
            post->deliver(post);
            post = next;
        }
        nothing = NULL;
    }
}

/* Any thread that has seen the end. */
void wf_loop_hold_late(weft_loop *loop)
{
    if (__atomic_fetch_add(&loop->n_objects, 1, __ATOMIC_RELAXED) == 0) {
        (void)weft_loop_ref(loop); /* returns its argument */
    }
}

/* Any thread that has seen the end. */
void wf_loop_let_go_late(weft_loop *loop)
{
    if (__atomic_sub_fetch(&loop->n_objects, 1, __ATOMIC_ACQ_REL) == 0) {
        (void)weft_loop_unref(loop); /* always NULL */
    }
}
