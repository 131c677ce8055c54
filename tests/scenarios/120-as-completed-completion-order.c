/*
 * 120-as-completed-completion-order: as_completed hands out results in the order of completion.
 */
#include "support/scenario.h"

struct job {
    const char *name;
    int ms;
};

static int work(void *arg)
{
    struct job *job = arg;

    WEFT_TRY(weft_sleep(WEFT_MS(job->ms)));
    return return_text(job->name);
}

static int story(void *arg)
{
    static struct job jobs[] = { { "a", 90 }, { "b", 30 }, { "c", 60 } };
    weft_awaitable *tasks[3];
    weft_as_completed *ends;
    weft_value value;
    (void)arg;

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(work, &jobs[i]);
    }
    MUST(weft_as_completed(tasks, 3, WEFT_FOREVER, &ends));
    while (weft_as_completed_has_next(ends)) {
        WEFT_TRY(weft_as_completed_next(ends, &value));
        trace("%s", text_of(value));
    }
    weft_as_completed_destroy(ends);
    drop_all((weft_future **)tasks, 3);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
