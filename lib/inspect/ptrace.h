#ifndef WF_INSPECT_PTRACE_H
#define WF_INSPECT_PTRACE_H

/*
 * Stopping a running thread of another process, for hold.c.
 *
 * Thread: the same one stops a thread and lets it go.
 */

#include "inspect/registers.h"
#include "weft/time.h"

#include <sys/types.h>

/*
 * Stop <tid>, at the latest at <limit> (CLOCK_MONOTONIC). 0 and its registers; -EPERM: it is not
 * allowed, or somebody traces it; -ETIMEDOUT: it got no processor; -ESRCH.
 */
int wf_ptrace_stop(pid_t tid, weft_time limit, struct wf_registers *out_registers);
/* Let it go; also one whose stop timed out, which may take until it runs. */
void wf_ptrace_release(pid_t tid);

#endif
