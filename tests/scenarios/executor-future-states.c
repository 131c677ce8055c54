/*
 * executor-future-states: The states of a thread-side future: who may begin, finish, cancel,
 * and who is refused.
 */
#include "support/scenario.h"

#include <string.h>

enum {
    MOST_STEPS = 12
};

static int call(weft_concurrent_future *f, const char *step)
{
    int code = 0;

    if (strcmp(step, "begin") == 0) {
        return weft_concurrent_future_set_running_or_notify_cancel(f);
    }
    if (strcmp(step, "cancel") == 0) {
        return weft_concurrent_future_cancel(f);
    }
    if (strcmp(step, "set_result") == 0) {
        return weft_concurrent_future_set_result(f, weft_value_int(1));
    }
    if (strcmp(step, "set_exception") == 0) {
        return weft_concurrent_future_set_exception(f, VALUE_ERROR, "x");
    }
    if (strcmp(step, "result") == 0) {
        return weft_concurrent_future_result(f, 0, NULL);
    }
    return weft_concurrent_future_exception(f, 0, &code);
}

static void attempt(weft_concurrent_future *f, const char *step)
{
    int r = call(f, step);

    if (r == 0) {
        trace("%s=1", step);
    } else if (strcmp(step, "cancel") == 0 || (strcmp(step, "begin") == 0 && r == WEFT_ECANCELED)) {
        trace("%s=0", step);
    } else if (strcmp(step, "begin") == 0) {
        trace("%s %s", step, message(r));
    } else if (r == WEFT_EINVALIDSTATE) {
        trace("%s invalid state", step);
    } else if (r == WEFT_ECANCELED) {
        trace("%s cancelled", step);
    } else if (r == WEFT_ETIMEDOUT) {
        trace("%s timeout", step);
    } else {
        trace("%s %s %s", step, err(r), message(r));
    }
}

static void tell(const char *title, const char *const steps[MOST_STEPS])
{
    weft_concurrent_future *f;

    trace("-- %s", title);
    MUST(weft_concurrent_future_create(&f));
    for (int i = 0; i < MOST_STEPS && steps[i] != NULL; i++) {
        attempt(f, steps[i]);
    }
    trace("cancelled=%d running=%d done=%d", weft_concurrent_future_cancelled(f),
          weft_concurrent_future_running(f), weft_concurrent_future_done(f));
    weft_concurrent_future_unref(f);
}

int main(void)
{
    static const char *const pending[MOST_STEPS] = { "result", "exception" };
    static const char *const run[MOST_STEPS] = {
        "begin", "begin",      "cancel",        "result", "set_result", "cancel",
        "begin", "set_result", "set_exception", "result", "exception",
    };
    static const char *const straight[MOST_STEPS] = { "set_result", "begin", "result" };
    static const char *const fail[MOST_STEPS] = { "set_exception", "set_exception", "result",
                                                  "cancel" };
    static const char *const cancelled[MOST_STEPS] = {
        "cancel", "cancel", "set_result", "begin", "begin", "set_exception", "result", "exception",
    };

    tell("pending", pending);
    tell("run", run);
    tell("straight", straight);
    tell("fail", fail);
    tell("cancelled", cancelled);
    weft_raise(NULL);
    return 0;
}
