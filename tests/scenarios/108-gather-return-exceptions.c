/*
 * 108-gather-return-exceptions: With return_exceptions errors and cancellations become list
 * entries.
 */
#include "support/scenario.h"

static int good(void *arg)
{
    (void)arg;
    return return_text("good");
}

static int bad(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "bad");
}

static int never(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(never, NULL);
    weft_awaitable *all[] = { weft_coro_create(good, NULL), weft_coro_create(bad, NULL), task };
    weft_future *group;
    weft_value value;

    MUST(weft_loop_call_later(NULL, WEFT_MS(10), cancel_it, task, NULL));
    MUST(weft_gather(all, 3, WEFT_GATHER_RETURN_EXCEPTIONS, &group));
    WEFT_TRY(join(group, &value));
    const weft_outcomes *results = value.as.ptr;
    trace("%s", text_of(results->items[0].value));
    trace("%s %s", err(results->items[1].code), weft_error_get_message(results->items[1].error));
    trace("%s", err(results->items[2].code));
    weft_value_clear(&value);
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
