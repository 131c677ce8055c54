/*
 * 256-runner-leftover-error-logged: A leftover task that fails while being cancelled at exit is
 * reported; run() still gives its result.
 */
#include "support/scenario.h"

static int leftover(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        return weft_fail(VALUE_ERROR, "cleanup failed");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_future_unref(spawn_named(leftover, NULL, "leftover"));
    WEFT_TRY(weft_sleep(0));
    return return_text("main result");
}

int main(void)
{
    weft_value value;

    watch_logs();
    MUST(run_virtual(story, &value));
    trace("%s", text_of(value));
    return 0;
}
