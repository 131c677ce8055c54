/*
 * The bell: see bell.h.
 *
 * Thread: any.
 */

#include "thread/bell.h"

#include "thread/futex.h"

wf_atomic_u32 wf_bell;
wf_atomic_u32 wf_bell_is_hung;

void wf_bell_ring(void)
{
    (void)wf_u32_add_release(&wf_bell, 1); /* pairs with the acquire of who sleeps on it */
    wf_futex_wake(&wf_bell, 1, WF_FUTEX_LOCK);
}
