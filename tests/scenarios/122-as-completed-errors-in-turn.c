/*
 * 122-as-completed-errors-in-turn: A failing task takes its turn in the completion order.
 */
#include "support/scenario.h"

struct job {
    const char *name;
    int passes;
    int fails;
};

static int work(void *arg)
{
    struct job *job = arg;

    for (int i = 0; i < job->passes; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    return job->fails ? weft_fail(VALUE_ERROR, "%s", job->name) : return_text(job->name);
}

static int story(void *arg)
{
    static struct job jobs[] = { { "a", 3, 0 }, { "b", 2, 1 }, { "c", 1, 0 } };
    weft_awaitable *tasks[3];
    weft_as_completed *ends;
    (void)arg;

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(work, &jobs[i]);
    }
    MUST(weft_as_completed(tasks, 3, WEFT_FOREVER, &ends));
    while (weft_as_completed_has_next(ends)) {
        weft_value value;
        int r = weft_as_completed_next(ends, &value);
        if (r == 0) {
            trace("%s", text_of(value));
        } else {
            trace("%s %s", err(r), message(r));
        }
    }
    weft_as_completed_destroy(ends);
    drop_all((weft_future **)tasks, 3);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
