#ifndef WF_THREAD_DOORBELL_H
#define WF_THREAD_DOORBELL_H

/*
 * The doorbell: an eventfd that its owner registers edge-triggered and never
 * reads. Every ring is an edge of its own, so there is nothing to reset, and
 * the counter would need 584 years of a ring a nanosecond to fill.
 *
 * Ringing is neither a message nor a barrier: publish first, then ring.
 */

/* A descriptor, or a negative system code. */
int wf_doorbell_open(void);
void wf_doorbell_close(int doorbell);
/* Any thread. */
void wf_doorbell_ring(int doorbell);

#endif
