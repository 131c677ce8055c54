#ifndef WF_INSPECT_LIVE_STACK_H
#define WF_INSPECT_LIVE_STACK_H

/*
 * The C stack of a loop's thread while it is held up: copied first, named later.
 *
 * Thread: the monitor's; there is one such stack at a time.
 */

#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WF_LIVE_STACK_TEXT = 6 * 1024
};

/* Load what naming needs, before it is urgent; again is harmless. Without locks. */
void wf_live_stack_prepare(void);
/* Give back what that loaded; the next one may take as long again. */
void wf_live_stack_forget(void);

/*
 * Copy the stack of thread <tid>, if <loop> still runs piece <n_run> while it is held. Under the
 * watcher's lock: it allocates nothing and returns within 30 ms.
 */
bool wf_live_stack_take(const weft_loop *loop, int tid, uint64_t n_run);

/* Name what was taken, as lines with their ends. Without locks. */
void wf_live_stack_print(char *text, size_t size);

#endif
