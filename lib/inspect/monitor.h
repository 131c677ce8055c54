#ifndef WF_INSPECT_MONITOR_H
#define WF_INSPECT_MONITOR_H

/*
 * The monitor: the thread that looks at loops. The public half is weft/monitor.h; the loop's side
 * is loop/watch.h, the judgement stall.h.
 *
 * There is one while at least one loop is watched. It takes no signal.
 */

#include <stdbool.h>
#include <stddef.h>

/* How many loops are watched, and whether the thread is there: for tests. Any thread. */
size_t wf_monitor_count_loops(void);
bool wf_monitor_has_thread(void);
/* Whether it sleeps until a loop rings: for tests. Any thread. */
bool wf_monitor_is_asleep(void);

#endif
