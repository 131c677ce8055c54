/*
 * 106-gather-empty: gather of nothing gives an empty list at once.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_future *group;
    weft_value value;

    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    MUST(weft_gather(NULL, 0, 0, &group));
    WEFT_TRY(join(group, &value));
    const weft_outcomes *results = value.as.ptr;
    trace("count %d", (int)results->n);
    weft_value_clear(&value);
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main(story);
}
