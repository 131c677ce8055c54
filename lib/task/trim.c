/*
 * Giving the stacks of a spike back, and the memory of its tasks.
 *
 * A stack that was used once keeps its pages, since a first touch is dear. When
 * very many lie warm, a timer looks at them every PERIOD: those that nobody
 * needed all through one go back to the system, in batches, a turn each. While
 * few lie there is no timer, so that an idle loop sleeps.
 *
 * Without memory for the timer nothing is trimmed until the next stack comes back.
 *
 * Thread: the loop's.
 */

#include "task/coro.h"
#include "task/state.h"

#define PERIOD WEFT_S(5)
/* Between two batches, for the work that waits. */
#define PAUSE WEFT_MS(5)

enum {
    KEEP = 64 /* warm, of each class, in any case */
};

static void start(struct wf_task_state *state, weft_duration delay)
{
    (void)wf_timer_start(state->loop, &state->trim_timer, wf_loop_deadline(state->loop, delay));
}

/* When the timer is due, on the loop's own stack. */
static void on_due(struct wf_work *work)
{
    struct wf_timer *timer = WF_CONTAINER_OF(work, struct wf_timer, work);
    struct wf_task_state *state = WF_CONTAINER_OF(timer, struct wf_task_state, trim_timer);

    if (state->n_to_trim == 0) {
        state->n_to_trim = wf_stack_pool_end_period(state->stacks, KEEP);
    }
    size_t n = wf_stack_pool_trim(state->stacks);
    state->n_to_trim = n > 0 && n < state->n_to_trim ? state->n_to_trim - n : 0;
    if (state->n_to_trim > 0) {
        start(state, PAUSE);
        return;
    }
    /* As many tasks as stacks: what is left of both is what a quiet loop used. */
    size_t n_warm = wf_stack_pool_get_n_warm(state->stacks);
    wf_task_free_cached(state, n_warm);
    wf_coro_free_cached(state, n_warm);
    if (n_warm >= WF_TASK_MANY_WARM) {
        start(state, PERIOD);
    }
}

void wf_task_init_trimming(struct wf_task_state *state)
{
    wf_timer_init(&state->trim_timer, on_due);
}

void wf_task_start_trimming(struct wf_task_state *state)
{
    if (!wf_timer_is_started(&state->trim_timer)) {
        (void)wf_stack_pool_end_period(state->stacks, SIZE_MAX); /* one begins */
        start(state, PERIOD);
    }
}
