/*
 * task-gather-edges: gather and shield at their edges.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <string.h>

struct job {
    const char *name;
    int turns;
    int fails;
};

static int work(void *arg)
{
    const struct job *job = arg;
    int r = 0;

    for (int i = 0; r == 0 && i < job->turns; i++) {
        r = weft_sleep(0);
    }
    if (r == WEFT_ECANCELED) {
        trace("%s cancelled", job->name);
        return r;
    }
    trace("%s ends", job->name);
    return job->fails ? weft_fail(VALUE_ERROR, "%s", job->name) : return_text(job->name);
}

static const char *truth(int condition)
{
    return condition ? "True" : "False";
}

/* Python's print of a list of results. */
static void tell_outcomes(weft_value value)
{
    const weft_outcomes *outcomes = value.as.ptr;
    char line[128] = "";

    for (size_t i = 0; i < outcomes->n; i++) {
        const weft_outcome *outcome = &outcomes->items[i];
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s'%s'", i > 0 ? ", " : "",
                 outcome->code == 0 ? text_of(outcome->value) : err(outcome->code));
    }
    trace("[%s]", line);
    weft_value_clear(&value);
}

static weft_future *gather(weft_awaitable *first, weft_awaitable *second)
{
    weft_awaitable *both[] = { first, second };
    weft_future *future;

    MUST(weft_gather(both, second != NULL ? 2 : 1, 0, &future));
    return future;
}

static int duplicates_and_nesting(void)
{
    static struct job twice = { "twice", 0, 0 };
    static struct job jobs[] = { { "x", 50, 0 }, { "y", 50, 0 }, { "z", 50, 0 } };
    weft_coro *coro = weft_coro_create(work, &twice);
    weft_value value;

    WEFT_TRY(join(gather(coro, coro), &value));
    tell_outcomes(value);

    weft_future *inner = gather(weft_coro_create(work, &jobs[0]), weft_coro_create(work, &jobs[1]));
    weft_future *outer = gather(inner, weft_coro_create(work, &jobs[2]));
    WEFT_TRY(weft_sleep(0));
    trace("cancel %s", truth(weft_future_cancel(outer, NULL) == 0));
    if (weft_await(outer, NULL) == WEFT_ECANCELED) {
        trace("outer cancelled=%s inner cancelled=%s", truth(weft_future_cancelled(outer)),
              truth(weft_future_cancelled(inner)));
    }
    weft_future_unref(inner);
    weft_future_unref(outer);
    return 0;
}

static int too_late(void)
{
    static struct job late = { "late", 5, 0 };
    static struct job bad = { "bad", 0, 1 };
    weft_future *future = make_future();
    weft_future *group = gather(future, NULL);
    weft_value value;

    set_text(future, "value");
    trace("cancel %s", truth(weft_future_cancel(group, NULL) == 0));
    WEFT_TRY(join(group, &value));
    tell_outcomes(value);
    weft_future_unref(future);

    weft_task *task = spawn(work, &late);
    group = gather(weft_coro_create(work, &bad), task);
    int r = weft_await(group, NULL);
    trace("%s %s cancel %s", err(r), message(r), truth(weft_future_cancel(group, NULL) == 0));
    WEFT_TRY(join(task, &value));
    trace("%s", text_of(value));
    weft_future_unref(group);
    return 0;
}

static int stubborn(void *arg)
{
    (void)arg;
    int r = weft_sleep(WEFT_S(60));
    return r == WEFT_ECANCELED ? weft_fail(VALUE_ERROR, "in cleanup") : r;
}

static int mixed_ends(void)
{
    static struct job obeys = { "obeys", 50, 0 };
    static struct job t = { "t", 50, 0 };
    static struct job v = { "v", 0, 0 };
    static struct job e = { "e", 1, 1 };
    weft_future *group = gather(weft_coro_create(stubborn, NULL), weft_coro_create(work, &obeys));
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_cancel(group, NULL));
    int r = weft_await(group, NULL);
    trace("gather %s %s", err(r), truth(weft_future_cancelled(group)));
    weft_future_unref(group);
    WEFT_TRY(weft_sleep(0));

    weft_task *task = spawn(work, &t);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    weft_awaitable *three[] = { weft_coro_create(work, &v), weft_coro_create(work, &e), task };
    MUST(weft_gather(three, 3, WEFT_GATHER_RETURN_EXCEPTIONS, &group));
    WEFT_TRY(join(group, &value));
    tell_outcomes(value);
    weft_future_unref(task);
    return 0;
}

static void shield_done(weft_future *future)
{
    weft_future *shield;
    weft_value value;

    MUST(weft_shield(future, &shield));
    int r = weft_await(shield, &value);
    trace("shield %s %s", truth(shield == future), r == 0 ? text_of(value) : err(r));
    weft_future_unref(shield);
    weft_future_unref(future);
}

static int shields_of_done(void)
{
    weft_future *future = make_future();
    set_text(future, "ok");
    shield_done(future);
    future = make_future();
    MUST(weft_future_cancel(future, NULL));
    shield_done(future);
    future = make_future();
    MUST(weft_future_set_exception(future, VALUE_ERROR, "no"));
    shield_done(future);
    return 0;
}

static int shields(void)
{
    static struct job inner = { "inner", 50, 0 };
    static struct job deep = { "deep", 3, 0 };
    weft_task *task = spawn(work, &inner);
    weft_future *outer;
    weft_future *outermost;
    weft_value value;

    MUST(weft_shield(task, &outer));
    MUST(weft_loop_call_soon(NULL, cancel_it, task, NULL));
    if (weft_await(outer, NULL) == WEFT_ECANCELED) {
        trace("shield cancelled=%s own=%d", truth(weft_future_cancelled(outer)),
              weft_task_cancelling(weft_current_task()));
    }
    weft_future_unref(outer);
    weft_future_unref(task);

    task = spawn(work, &deep);
    MUST(weft_shield(task, &outer));
    MUST(weft_shield(outer, &outermost));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_cancel(outermost, NULL));
    WEFT_TRY(weft_await(task, &value));
    trace("t %s s1 %s s2 %s", text_of(value), truth(weft_future_done(outer)),
          truth(weft_future_cancelled(outermost)));
    weft_future_unref(outermost);
    weft_future_unref(outer);
    weft_future_unref(task);

    weft_future *future = make_future();
    MUST(weft_shield(future, &outer));
    set_text(future, "there");
    trace("cancel %s", truth(weft_future_cancel(outer, NULL) == 0));
    if (join(outer, NULL) == WEFT_ECANCELED) {
        trace("cancelled, inner %s", result_text(future));
    }
    weft_future_unref(future);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(duplicates_and_nesting());
    WEFT_TRY(too_late());
    WEFT_TRY(mixed_ends());
    WEFT_TRY(shields_of_done());
    return shields();
}

int main(void)
{
    return scenario_main(story);
}
