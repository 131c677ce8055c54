#ifndef WF_TASK_STATE_H
#define WF_TASK_STATE_H

/*
 * What the task floor keeps per loop: its tasks, the stacks they run on, and
 * finished task objects for reuse.
 */

#include "coro/stack.h"
#include "loop/loop.h"

struct wf_task;

struct wf_task_state {
    weft_loop *loop;              /* borrowed: the loop outlives its slots */
    struct wf_stack_pool *stacks; /* owned */
    struct wf_list tasks;         /* of struct wf_task.link: not ended, in the order of creation */
    struct wf_list coros;         /* coroutine objects made by callbacks of this loop */
    size_t n_tasks;
    uint64_t next_number; /* of the loop's block of task numbers */
    uint64_t end_number;
    struct wf_task *cached; /* a chain through `wait`; owned */
    size_t n_cached;
};

/* What the loop must know about steps. */
extern const struct wf_work_kind wf_task_step_kind;

/* Made at the first use; NULL without memory. */
struct wf_task_state *wf_task_state_get(weft_loop *loop);

#endif
