#ifndef WF_BASE_CAPTURE_H
#define WF_BASE_CAPTURE_H

/*
 * The return addresses of the running function's callers, by frame pointers: what level full
 * of the debug mode keeps of the place where an object was made.
 *
 * It reads nothing outside the running stack, so code that is compiled without frame pointers
 * shortens what it finds and harms nothing. inspect/stack.h names the addresses.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    WF_CAPTURE_MAX = 16
};

/*
 * Write up to <max> return addresses, the caller's first, and return how many. No lock; no
 * allocation but what the C library does once in a thread's life to tell where its stack ends.
 *
 * Thread: any; on a thread's stack or a fiber's.
 */
int wf_capture_stack(void **pcs, int max);

struct wf_capture_bounds {
    uintptr_t low;
    uintptr_t high;
};

/* Where the stack of the running fiber is; false: the thread runs on its own. */
typedef bool wf_capture_find_stack_fn(struct wf_capture_bounds *out_bounds);
/* For the floor of fibers. */
void wf_capture_set_find_stack(wf_capture_find_stack_fn *find_stack);

#endif
