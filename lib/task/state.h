#ifndef WF_TASK_STATE_H
#define WF_TASK_STATE_H

/*
 * What the task floor keeps per loop: its tasks, the stacks they run on, and
 * finished task objects for reuse.
 */

#include "base/assert.h"
#include "coro/stack.h"
#include "loop/loop.h"
#include "weft/task.h"

struct wf_task;

struct wf_task_state {
    weft_loop *loop;              /* borrowed: the loop outlives its slots */
    struct wf_stack_pool *stacks; /* owned */
    struct wf_list tasks;         /* of struct wf_task.link: not ended, in the order of creation */
    struct wf_list coros;         /* coroutine objects made by callbacks of this loop */
    uint64_t next_number;         /* of the loop's block of task numbers */
    uint64_t end_number;
    struct wf_task *cached; /* a chain through `wait`; owned */
    size_t n_cached;
    struct wf_timer trim_timer;
    size_t n_to_trim;              /* stacks of the last period that are still to be given back */
    weft_task_factory_fn *factory; /* NULL: none */
    void *factory_data;
    struct weft_coro *cached_coros; /* a chain (coro.c); owned */
    size_t n_cached_coros;
};

/* What the loop must know about steps; its `what` is this very text. */
#define WF_TASK_STEP "step"
extern const struct wf_work_kind wf_task_step_kind;
extern const struct wf_work_holder wf_task_step_holder;

/* Made at the first use; NULL without memory. */
struct wf_task_state *wf_task_state_get(weft_loop *loop);

/* Memory of tasks that ended, but for <keep>. */
void wf_task_free_cached(struct wf_task_state *state, size_t keep);

/* The slow half of wf_task_mind_stacks (trim.c). */
WF_COLD void wf_task_start_trimming(struct wf_task_state *state);
void wf_task_init_trimming(struct wf_task_state *state);

enum {
    WF_TASK_MANY_WARM = 1024 /* 4 MiB of stacks that lie there: begin to look at them */
};

/* A stack was put back. */
static inline void wf_task_mind_stacks(struct wf_task_state *state)
{
    if (__builtin_expect(wf_stack_pool_get_n_warm(state->stacks) >= WF_TASK_MANY_WARM, 0)) {
        wf_task_start_trimming(state);
    }
}

#endif
