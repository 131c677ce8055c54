/*
 * task-as-completed-edges: as_completed at its edges.
 */
#include "support/scenario.h"

#include <stdio.h>

struct job {
    const char *name;
    int ms;
};

static int work(void *arg)
{
    const struct job *job = arg;

    WEFT_TRY(weft_sleep(WEFT_MS(job->ms)));
    return return_text(job->name);
}

static void tell(const char *label, int r, weft_value value)
{
    trace("%s %s", label, r == 0 ? text_of(value) : err(r));
}

static weft_as_completed *follow(weft_awaitable *const *awaitables, size_t n, weft_duration limit)
{
    weft_as_completed *ends;

    MUST(weft_as_completed(awaitables, n, limit, &ends));
    return ends;
}

static void tell_all(const char *label, weft_as_completed *ends)
{
    while (weft_as_completed_has_next(ends)) {
        weft_value value = weft_value_none();
        int r = weft_as_completed_next(ends, &value);
        tell(label, r, value);
    }
    weft_as_completed_destroy(ends);
}

/* How often one may ask. */
static int count(weft_as_completed *ends)
{
    int n = 0;

    for (; weft_as_completed_has_next(ends); n++) {
        weft_coro_close(weft_as_completed_next_coro(ends));
    }
    weft_as_completed_destroy(ends);
    return n;
}

static int how_many(void)
{
    static struct job once = { "once", 1 };
    weft_task *task = spawn(work, &once);
    weft_awaitable *twice[] = { task, task };

    trace("empty %d", count(follow(NULL, 0, WEFT_FOREVER)));
    trace("duplicates %d", count(follow(twice, 2, WEFT_FOREVER)));
    return join(task, NULL);
}

static int set_second(void *future)
{
    set_text(future, "second");
    return 0;
}

static void futures(void)
{
    weft_future *f = make_future();
    weft_awaitable *one[] = { f };

    set_text(f, "done");
    tell_all("before", follow(one, 1, WEFT_FOREVER));
    weft_future_unref(f);

    f = make_future();
    weft_future *g = make_future();
    weft_awaitable *both[] = { f, g };
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), cancel_it, f, NULL));
    MUST(weft_loop_call_later(NULL, WEFT_MS(20), set_second, g, NULL));
    tell_all("next", follow(both, 2, WEFT_FOREVER));
    weft_future_unref(f);
    weft_future_unref(g);
}

static int askers(void)
{
    static struct job jobs[] = { { "a", 10 }, { "b", 20 }, { "c", 30 } };
    weft_awaitable *tasks[3];
    weft_task *asking[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(work, &jobs[i]);
    }
    weft_as_completed *ends = follow(tasks, 3, WEFT_FOREVER);
    for (int i = 0; i < 3; i++) {
        MUST(weft_create_task(weft_as_completed_next_coro(ends), &asking[i]));
    }
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(asking[0], NULL));
    for (int i = 0; i < 3; i++) {
        weft_value value = weft_value_none();
        char label[32];
        snprintf(label, sizeof label, "asker %d", i);
        int r = join(asking[i], &value);
        tell(label, r, value);
    }
    weft_as_completed_destroy(ends);
    drop_all((weft_future **)tasks, 3);
    return 0;
}

static int limits(void)
{
    static struct job jobs[] = { { "fast", 1 }, { "slow", 50 }, { "slower", 60 } };
    static struct job patience = { "patient", 20 };
    weft_awaitable *tasks[3];
    weft_value value = weft_value_none();

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(work, &jobs[i]);
    }
    tell_all("limit", follow(tasks, 3, WEFT_MS(20)));
    trace("done [%s, %s, %s]", weft_future_done(tasks[0]) ? "True" : "False",
          weft_future_done(tasks[1]) ? "True" : "False",
          weft_future_done(tasks[2]) ? "True" : "False");
    drop_all((weft_future **)tasks, 3);

    weft_awaitable *one[] = { spawn(work, &patience) };
    weft_as_completed *ends = follow(one, 1, WEFT_FOREVER);
    int r = weft_wait_for(weft_as_completed_next_coro(ends), WEFT_MS(5), &value);
    tell("step", r, value);
    weft_as_completed_destroy(ends);
    WEFT_TRY(join(one[0], &value));
    trace("patient %s", text_of(value));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(how_many());
    futures();
    WEFT_TRY(askers());
    return limits();
}

int main(void)
{
    return scenario_main(story);
}
