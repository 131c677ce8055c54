/*
 * 121-as-completed-timeout: When the timeout strikes, every result still missing becomes a
 * TimeoutError; the tasks are not cancelled.
 */
#include "support/scenario.h"

struct job {
    const char *name;
    weft_duration time;
};

static int work(void *arg)
{
    struct job *job = arg;

    WEFT_TRY(weft_sleep(job->time));
    return return_text(job->name);
}

static int story(void *arg)
{
    static struct job jobs[] = { { "fast", 0 }, { "slow", WEFT_S(60) }, { "other", WEFT_S(60) } };
    weft_awaitable *tasks[3];
    weft_as_completed *ends;
    (void)arg;

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(work, &jobs[i]);
    }
    MUST(weft_as_completed(tasks, 3, WEFT_MS(200), &ends));
    while (weft_as_completed_has_next(ends)) {
        weft_value value;
        int r = weft_as_completed_next(ends, &value);
        trace("%s", r == 0 ? text_of(value) : err(r));
    }
    weft_as_completed_destroy(ends);
    trace("slow done=%d other done=%d", weft_future_done(tasks[1]), weft_future_done(tasks[2]));
    drop_all((weft_future **)tasks, 3);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
