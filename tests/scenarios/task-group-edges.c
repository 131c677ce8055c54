/*
 * task-group-edges: Task groups at their edges.
 */
#include "support/scenario.h"

struct failure {
    const char *name;
    int ms;
};

static int fails(void *arg)
{
    const struct failure *failure = arg;

    WEFT_TRY(weft_sleep(WEFT_MS(failure->ms)));
    return weft_fail(VALUE_ERROR, "%s", failure->name);
}

static int sleeps(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("%s cancelled", (const char *)name);
    }
    return r;
}

static int stubborn(void *name)
{
    (void)weft_sleep(WEFT_S(60));
    return weft_fail(KEY_ERROR, "%s", (const char *)name);
}

static int cancelling(void)
{
    return weft_task_cancelling(weft_current_task());
}

static weft_task_group *enter(void)
{
    weft_task_group *group = MUST_HAVE(weft_task_group_create());

    MUST(weft_task_group_enter(group));
    return group;
}

#define add(group, fn, arg) \
    MUST(weft_task_group_create_task((group), weft_coro_create((fn), (arg)), NULL))

static int leave(weft_task_group *group, int r)
{
    r = weft_task_group_exit(group, r);
    weft_task_group_destroy(group);
    return r;
}

static void body_and_abort(void)
{
    static struct failure first = { "first", 0 };
    static struct failure child = { "child", 0 };
    weft_task_group *group = enter();

    add(group, fails, &first);
    int r = weft_sleep(WEFT_S(60));
    int refused = weft_task_group_create_task(group, weft_coro_create(sleeps, "refused"), NULL);
    if (refused < 0) {
        trace("%s", err(refused));
    }
    r = leave(group, r);
    trace("%s %d", err(r), cancelling());

    group = enter();
    add(group, fails, &child);
    (void)weft_sleep(WEFT_S(60));
    (void)weft_sleep(0);
    r = leave(group, weft_fail(KEY_ERROR, "body"));
    trace("%s %d", err(r), cancelling());

    group = enter();
    add(group, fails, &child);
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("swallowed");
    }
    r = leave(group, 0);
    trace("%s %d", err(r), cancelling());
}

static int kill_it(void *victim)
{
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(victim, NULL));
    return 0;
}

static int children(void)
{
    static struct failure late = { "b", 10 };
    weft_task_group *group = enter();
    weft_task *victim;

    MUST(weft_task_group_create_task(group, weft_coro_create(sleeps, "victim"), &victim));
    add(group, kill_it, victim);
    WEFT_TRY(leave(group, 0));
    trace("over %s", weft_future_cancelled(victim) ? "True" : "False");
    weft_future_unref(victim);

    group = enter();
    add(group, stubborn, "a");
    add(group, fails, &late);
    trace("%s", err(leave(group, 0)));
    return 0;
}

static int nested(void *arg)
{
    static struct failure deep = { "deep", 0 };
    weft_task_group *inner = enter();
    (void)arg;

    add(inner, fails, &deep);
    add(inner, sleeps, "sibling");
    return leave(inner, 0);
}

static int late_child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    return return_text("still there");
}

static int nesting_and_limits(void)
{
    weft_task_group *group = enter();
    weft_value value;

    add(group, nested, NULL);
    add(group, sleeps, "outer sibling");
    trace("%s", err(leave(group, 0)));

    weft_timeout *scope = MUST_HAVE(weft_timeout_create(WEFT_MS(10)));
    MUST(weft_timeout_enter(scope));
    group = enter();
    add(group, sleeps, "limited");
    trace("%s", err(weft_timeout_exit(scope, leave(group, 0))));
    weft_timeout_destroy(scope);

    group = enter();
    weft_task *task;
    MUST(weft_task_group_create_task(group, weft_coro_create(late_child, NULL), &task));
    scope = MUST_HAVE(weft_timeout_create(WEFT_MS(10)));
    MUST(weft_timeout_enter(scope));
    if (weft_timeout_exit(scope, weft_sleep(WEFT_S(60))) == WEFT_ETIMEDOUT) {
        trace("inside");
    }
    weft_timeout_destroy(scope);
    WEFT_TRY(leave(group, 0));
    WEFT_TRY(join(task, &value));
    trace("%s", text_of(value));
    return 0;
}

static int parent(void *arg)
{
    weft_task_group *group = enter();
    (void)arg;

    add(group, stubborn, "cleanup");
    return leave(group, weft_sleep(WEFT_S(60)));
}

static int short_child(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    return return_text("child");
}

static int calm(void *arg)
{
    weft_task_group *group = enter();
    weft_task *task;
    weft_value value;
    (void)arg;

    MUST(weft_task_group_create_task(group, weft_coro_create(short_child, NULL), &task));
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        weft_task_uncancel(weft_current_task());
    }
    WEFT_TRY(leave(group, 0));
    WEFT_TRY(join(task, &value));
    return weft_return(value);
}

static int cancelled_parents(void)
{
    weft_task *task = spawn(parent, NULL);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    trace("%s", err(join(task, NULL)));

    task = spawn(calm, NULL);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    WEFT_TRY(join(task, &value));
    trace("%s", text_of(value));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    body_and_abort();
    WEFT_TRY(children());
    WEFT_TRY(nesting_and_limits());
    return cancelled_parents();
}

int main(void)
{
    return scenario_main(story);
}
