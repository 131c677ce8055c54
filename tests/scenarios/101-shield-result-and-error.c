/*
 * 101-shield-result-and-error: A shield passes results and errors through.
 */
#include "support/scenario.h"

static int good(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return return_text("fine");
}

static int bad(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "not fine");
}

static int story(void *arg)
{
    (void)arg;
    weft_future *shield;
    weft_value value;

    MUST(weft_shield(weft_coro_create(good, NULL), &shield));
    WEFT_TRY(join(shield, &value));
    trace("%s", text_of(value));
    MUST(weft_shield(weft_coro_create(bad, NULL), &shield));
    int r = join(shield, NULL);
    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
