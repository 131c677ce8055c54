/*
 * 118-wait-cancelled: Cancelling a task inside wait does not cancel the futures it waits for.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    return return_text("untouched");
}

static int waiter(void *arg)
{
    weft_task *task = arg;
    int n_done = weft_wait(&task, 1, WEFT_FOREVER, WEFT_ALL_COMPLETED);

    return n_done < 0 ? n_done : 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *inner = spawn(work, NULL);
    weft_task *w = spawn(waiter, inner);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(w, NULL));
    if (join(w, NULL) == WEFT_ECANCELED) {
        trace("waiter cancelled, inner done=%d", weft_future_done(inner));
    }
    WEFT_TRY(join(inner, &value));
    trace("%s", text_of(value));
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
