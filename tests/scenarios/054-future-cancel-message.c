/*
 * 054-future-cancel-message: The message given to cancel() travels with the CancelledError.
 */
#include "support/scenario.h"

static int waiter(void *future)
{
    int r = weft_await(future, NULL);

    if (r == WEFT_ECANCELED) {
        trace("waiter: message %s", cancel_message());
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    static const char *const messages[] = { "too slow", NULL };

    for (int i = 0; i < 2; i++) {
        weft_future *future = make_future();
        weft_task *task = spawn(waiter, future);

        WEFT_TRY(weft_sleep(0));
        MUST(weft_future_cancel(future, messages[i]));
        WEFT_TRY(join(task, NULL));
        weft_future_unref(future);
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
