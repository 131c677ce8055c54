/*
 * 115-wait-first-completed: FIRST_COMPLETED returns with the first end; the rest keeps running.
 */
#include "support/scenario.h"

struct work {
    const char *name;
    weft_future *gate;
};

static int work(void *arg)
{
    const struct work *me = arg;

    WEFT_TRY(weft_await(me->gate, NULL));
    trace("%s ends", me->name);
    return return_text(me->name);
}

static int story(void *arg)
{
    (void)arg;
    struct work slow = { "slow", make_future() };
    struct work fast = { "fast", make_future() };
    weft_task *tasks[] = { spawn(work, &slow), spawn(work, &fast) };
    weft_value value;

    MUST(weft_loop_call_later(NULL, WEFT_MS(20), open_gate, fast.gate, NULL));
    int n_done = MUST(weft_wait(tasks, 2, WEFT_FOREVER, WEFT_FIRST_COMPLETED));
    for (int i = 0; i < 2; i++) {
        if (weft_future_done(tasks[i])) {
            trace("done %s pending %d", result_text(tasks[i]), 2 - n_done);
        }
    }
    MUST(open_gate(slow.gate));
    WEFT_TRY(weft_await(tasks[0], &value));
    trace("then %s", text_of(value));
    drop_all(tasks, 2);
    weft_future_unref(slow.gate);
    weft_future_unref(fast.gate);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
