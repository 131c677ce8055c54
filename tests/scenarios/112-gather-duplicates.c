/*
 * 112-gather-duplicates: The same task given twice runs once and fills both places.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    trace("work runs");
    return weft_return_int(5);
}

static int sleep_other(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return return_text("other");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(work, NULL);
    weft_task *other = spawn(sleep_other, NULL);
    weft_awaitable *all[] = { task, other, task };
    weft_future *group;
    weft_value value;

    MUST(weft_gather(all, 3, 0, &group));
    WEFT_TRY(join(group, &value));
    const weft_outcomes *results = value.as.ptr;
    trace("%d %s %d", (int)results->items[0].value.as.num, text_of(results->items[1].value),
          (int)results->items[2].value.as.num);
    weft_value_clear(&value);
    weft_future_unref(task);
    weft_future_unref(other);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
