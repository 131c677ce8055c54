/*
 * 114-wait-all-completed: wait returns when all are done, raises nothing, and leaves errors to
 * be fetched from the futures.
 */
#include "support/scenario.h"

static int good(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    return return_text("good");
}

static int bad(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "bad");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *both[] = { spawn(good, NULL), spawn(bad, NULL) };
    int n_done = MUST(weft_wait(both, 2, WEFT_FOREVER, WEFT_ALL_COMPLETED));

    trace("done %d pending %d", n_done, 2 - n_done);
    int r = weft_future_exception(both[1], NULL);
    trace("%s %s", result_text(both[0]), err(r));
    drop_all(both, 2);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
