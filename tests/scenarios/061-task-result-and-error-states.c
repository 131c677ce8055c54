/*
 * 061-task-result-and-error-states: A finished task keeps its result or error; before that,
 * asking is InvalidStateError.
 */
#include "support/scenario.h"

static int good(void *arg)
{
    (void)arg;
    return return_text("value");
}

static int bad(void *arg)
{
    (void)arg;
    return weft_fail(KEY_ERROR, "k");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *tasks[] = { spawn(good, NULL), spawn(bad, NULL) };
    weft_task *t1 = tasks[0];
    weft_task *t2 = tasks[1];

    trace("early %s", err(weft_future_result(t1, NULL)));
    wait_all(tasks, 2);
    trace("t1: done=%d result=%s", weft_future_done(t1), result_text(t1));
    trace("t1: exception=%s", weft_future_exception(t1, NULL) == 0 ? "none" : "some");
    int r = weft_future_exception(t2, NULL);
    trace("t2: done=%d exception=%s", weft_future_done(t2), err(r));
    trace("t2: result raises %s", err(weft_future_result(t2, NULL)));
    drop_all(tasks, 2);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
