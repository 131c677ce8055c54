#ifndef WF_THREAD_BELL_H
#define WF_THREAD_BELL_H

/*
 * The bell of who watches this process from a thread of its own (lib/inspect/monitor.c). While
 * nothing happens it sleeps, and the bell hangs; whoever makes something happen then rings. Loops
 * have a bit of their own for that (loop/watch.h); executors ask here, where they wake a thread.
 */

#include "thread/atomic.h"

extern wf_atomic_u32 wf_bell;         /* atomic: rung so often; the futex */
extern wf_atomic_u32 wf_bell_is_hung; /* atomic, relaxed: a hint, the futex decides */

void wf_bell_ring(void);

static inline void wf_bell_ring_if_hung(void)
{
    if (__builtin_expect(wf_u32_load_relaxed(&wf_bell_is_hung) != 0, 0)) {
        wf_bell_ring();
    }
}

#endif
