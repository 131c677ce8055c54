#ifndef WF_INSPECT_DESCRIBE_H
#define WF_INSPECT_DESCRIBE_H

/*
 * Short texts for what was seen. wf_seen_describe_task, the long one of a task, is in snapshot.h.
 * All are cut to the size that is there.
 */

#include "inspect/snapshot.h"

/* "Task-3 'fetch'", or "Task-3" when that is its name. */
void wf_seen_name_task(const struct wf_seen_task *task, char *to, size_t size);
/* "Task-3 'fetch'", "lock made at x.c:9", "job read_it() made at y.c:3". */
void wf_seen_name_node(const struct wf_snapshot *snapshot, uint32_t index, char *to, size_t size);
/* What a task that waits waits for: "lock held by Task-4 made at x.c:9", "sleep". */
void wf_seen_describe_wait(const struct wf_snapshot *snapshot, const struct wf_seen_task *task,
                           char *to, size_t size);

#endif
