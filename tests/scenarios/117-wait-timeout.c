/*
 * 117-wait-timeout: A timeout in wait is no error and cancels nothing.
 */
#include "support/scenario.h"

static int slow(void *gate)
{
    WEFT_TRY(weft_await(gate, NULL));
    return return_text("slow result");
}

static void wait_and_tell(weft_task *task, weft_duration limit)
{
    int n_done = MUST(weft_wait(&task, 1, limit, WEFT_ALL_COMPLETED));

    trace("done %d pending %d", n_done, 1 - n_done);
}

static int story(void *arg)
{
    (void)arg;
    weft_future *gate = make_future();
    weft_task *task = spawn(slow, gate);
    weft_value value;

    wait_and_tell(task, WEFT_MS(20));
    trace("cancelled=%d", weft_future_cancelled(task));
    wait_and_tell(task, 0);
    MUST(open_gate(gate));
    WEFT_TRY(weft_await(task, &value));
    trace("%s", text_of(value));
    wait_and_tell(task, 0);
    weft_future_unref(task);
    weft_future_unref(gate);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
