/*
 * task-callbacks: Done callbacks that add, remove and cancel.
 */
#include "support/scenario.h"

static const char *truth(int condition)
{
    return condition ? "True" : "False";
}

static int sleeper(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    trace("%s is cancelled", (const char *)name);
    return r;
}

static int tell(weft_future *future, void *text)
{
    (void)future;
    trace("%s", (const char *)text);
    return 0;
}

static int tell_and_add(weft_future *future, void *unused)
{
    (void)unused;
    trace("first");
    WEFT_TRY(weft_future_add_done_callback(future, tell, "second"));
    trace("added");
    return 0;
}

static int adding(void)
{
    weft_future *future = make_future();

    MUST(weft_future_add_done_callback(future, tell_and_add, NULL));
    MUST(weft_future_add_done_callback(future, tell, "third"));
    MUST(weft_future_set_result(future, weft_value_none()));
    WEFT_TRY(weft_sleep(0));
    trace("a turn later");
    weft_future_unref(future);
    return weft_sleep(0);
}

static int cancel_victim(weft_future *future, void *victim)
{
    (void)future;
    trace("cancel says %s", truth(weft_task_cancel(victim, NULL) == 0));
    return 0;
}

static int cancelling_another(void)
{
    weft_task *victim = spawn(sleeper, "victim");
    weft_future *future = make_future();

    MUST(weft_future_add_done_callback(future, cancel_victim, victim));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_set_result(future, weft_value_none()));
    if (join(victim, NULL) == WEFT_ECANCELED) {
        trace("main sees it, own cancelling=%d", weft_task_cancelling(weft_current_task()));
    }
    weft_future_unref(future);
    return 0;
}

static int sleep_for_value(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return return_text("value");
}

static int done_and_unborn(void)
{
    weft_task *done = spawn(sleep_for_value, NULL);

    WEFT_TRY(weft_await(done, NULL));
    weft_task *unborn = spawn(sleeper, "unborn");
    int r = weft_task_cancel(done, NULL);
    trace("done %s %s", truth(r == 0), result_text(done));
    trace("unborn %s", truth(weft_task_cancel(unborn, NULL) == 0));
    wait_one(unborn);
    trace("unborn cancelled %s", truth(weft_future_cancelled(unborn)));
    weft_future_unref(done);
    weft_future_unref(unborn);
    return 0;
}

static int remove_never(weft_future *future, void *unused)
{
    (void)unused;
    trace("removed %d", weft_future_remove_done_callback(future, tell, "never"));
    return 0;
}

static int tell_cancelled(weft_future *future, void *unused)
{
    (void)unused;
    trace("cancelled %s", truth(weft_future_cancelled(future)));
    return 0;
}

static int removing(void)
{
    static char never[] = "never";
    weft_future *future = make_future();

    MUST(weft_future_add_done_callback(future, remove_never, NULL));
    MUST(weft_future_add_done_callback(future, tell, never));
    MUST(weft_future_add_done_callback(future, tell, never));
    trace("removed %d", weft_future_remove_done_callback(future, tell, never));
    MUST(weft_future_add_done_callback(future, tell_cancelled, NULL));
    MUST(weft_future_cancel(future, NULL));
    weft_future_unref(future);
    return weft_sleep(0);
}

static int child(void *arg)
{
    (void)arg;
    return return_text("from child");
}

static int cancel_parent(weft_future *future, void *parent)
{
    (void)future;
    trace("cancelling parent %s", truth(weft_task_cancel(parent, NULL) == 0));
    return 0;
}

static int parent(void *arg)
{
    weft_task *task = spawn(child, NULL);
    weft_value value;
    (void)arg;

    MUST(weft_future_add_done_callback(task, cancel_parent, weft_current_task()));
    int r = weft_await(task, &value);
    if (r == 0) {
        trace("parent got %s", text_of(value));
    } else {
        trace("parent cancelled, child %s", result_text(task));
    }
    weft_future_unref(task);
    return r;
}

static int cancelling_the_waiter(void)
{
    weft_task *task = spawn(parent, NULL);

    wait_one(task);
    trace("parent %s", truth(weft_future_cancelled(task)));
    weft_future_unref(task);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(adding());
    WEFT_TRY(cancelling_another());
    WEFT_TRY(done_and_unborn());
    WEFT_TRY(removing());
    return cancelling_the_waiter();
}

int main(void)
{
    return scenario_main(story);
}
