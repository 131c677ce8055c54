/*
 * 290-pattern-retry-with-timeout: An operation fails, hangs and finally works; the caller
 * retries with a time limit for each try.
 */
#include "support/scenario.h"

static int operation(int attempt)
{
    trace("attempt %d", attempt);
    if (attempt == 1) {
        return weft_fail(CONNECTION_ERROR, "no route");
    }
    if (attempt == 2) {
        WEFT_TRY(weft_sleep(WEFT_S(60)));
    }
    return return_text("answer");
}

static int operation_n(void *attempt)
{
    return operation(*(const int *)attempt);
}

static int try_once(int attempt, weft_value *out_value)
{
    weft_timeout *scope = weft_timeout_create(WEFT_MS(50));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, weft_call(operation_n, &attempt, out_value));
    weft_timeout_destroy(scope);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    for (int attempt = 1; attempt <= 3; attempt++) {
        weft_value value;
        int r = try_once(attempt, &value);

        if (r == 0) {
            trace("got %s", text_of(value));
            break;
        }
        trace("failed: %s", err(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
