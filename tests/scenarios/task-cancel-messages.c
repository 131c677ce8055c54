/*
 * task-cancel-messages: The message of a cancel: who gets to see it, and how often.
 */
#include "support/scenario.h"

/* Await it, and say with which message that was cut short. */
static void see(const char *label, weft_awaitable *awaitable)
{
    int r = weft_await(awaitable, NULL);

    trace("%s %s", label, r == 0 ? "no error" : cancel_message());
}

static void see_and_drop(const char *label, weft_future *future)
{
    see(label, future);
    weft_future_unref(future);
}

static int sleeper(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int one_turn(void *arg)
{
    (void)arg;
    return weft_sleep(0);
}

static int tasks_and_futures(void)
{
    weft_task *task = spawn(sleeper, NULL);

    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(task, "first"));
    see("await", task);
    see_and_drop("await again", task);

    task = spawn(sleeper, NULL);
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(task, "one"));
    MUST(weft_task_cancel(task, "two"));
    see_and_drop("replaced", task);

    weft_future *future = make_future();
    MUST(weft_future_cancel(future, "plain"));
    see("future", future);
    see_and_drop("future again", future);
    return 0;
}

static int gathers(void)
{
    weft_future *gather;
    weft_value value;
    weft_task *task = spawn(sleeper, NULL);
    weft_awaitable *child_and_turn[] = { task, weft_coro_create(one_turn, NULL) };

    MUST(weft_gather(child_and_turn, 2, 0, &gather));
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(task, "child"));
    see_and_drop("gather child", gather);
    weft_future_unref(task);

    weft_awaitable *both[] = { weft_coro_create(sleeper, NULL), weft_coro_create(sleeper, NULL) };
    MUST(weft_gather(both, 2, 0, &gather));
    WEFT_TRY(turns(1));
    MUST(weft_future_cancel(gather, "all"));
    see_and_drop("gather all", gather);

    task = spawn(sleeper, NULL);
    weft_awaitable *one[] = { task };
    MUST(weft_gather(one, 1, WEFT_GATHER_RETURN_EXCEPTIONS, &gather));
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(task, "kept"));
    WEFT_TRY(join(gather, &value));
    const weft_outcome *outcome = ((weft_outcomes *)value.as.ptr)->items;
    trace("collected %s", outcome->error == NULL ? "none" : weft_error_get_message(outcome->error));
    weft_value_clear(&value);
    weft_future_unref(task);
    return 0;
}

static int waits(void *arg)
{
    (void)arg;
    return weft_wait_for(weft_coro_create(sleeper, NULL), WEFT_S(50), NULL);
}

static int shields(void *inner)
{
    weft_future *shield;

    WEFT_TRY(weft_shield(inner, &shield));
    return join(shield, NULL);
}

static int limits_and_shields(void)
{
    weft_task *task = spawn(waits, NULL);

    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(task, "through wait_for"));
    see_and_drop("wait_for", task);

    weft_task *inner = spawn(sleeper, NULL);
    task = spawn(shields, inner);
    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(task, "outer"));
    see_and_drop("shield outer", task);
    weft_future *shield;
    MUST(weft_shield(inner, &shield));
    MUST(weft_task_cancel(inner, "inner"));
    see_and_drop("shield inner", shield);
    weft_future_unref(inner);
    return 0;
}

static int group(void *sleeps_in_body)
{
    weft_task_group *group = MUST_HAVE(weft_task_group_create());

    MUST(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(sleeper, NULL), NULL));
    int r = weft_task_group_exit(group, sleeps_in_body != NULL ? weft_sleep(WEFT_S(60)) : 0);
    weft_task_group_destroy(group);
    return r;
}

static int groups(void)
{
    weft_task *task = spawn(group, "sleeps in the body");

    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(task, "group body"));
    see_and_drop("group body", task);

    task = spawn(group, NULL);
    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(task, "group exit"));
    MUST(weft_task_cancel(task, "group exit again"));
    see_and_drop("group exit", task);

    task = spawn(sleeper, NULL);
    MUST(weft_task_cancel(task, "unborn"));
    see_and_drop("unborn", task);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(tasks_and_futures());
    WEFT_TRY(gathers());
    WEFT_TRY(limits_and_shields());
    return groups();
}

int main(void)
{
    return scenario_main(story);
}
