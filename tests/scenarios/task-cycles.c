/*
 * task-cycles: Tasks that wait for each other.
 */
#include "support/scenario.h"

static const char *truth(int condition)
{
    return condition ? "True" : "False";
}

static int through_shield(void *arg)
{
    weft_future *shield;
    (void)arg;

    MUST(weft_shield(weft_current_task(), &shield));
    int r = join(shield, NULL);
    if (r == WEFT_ECANCELED) {
        trace("cancelled");
    }
    return r;
}

static int itself_shielded(void)
{
    weft_task *task = spawn(through_shield, NULL);

    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("pending %s", truth(!weft_future_done(task)));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("done %s", truth(weft_future_cancelled(task)));
    weft_future_unref(task);
    return 0;
}

static int direct(void *arg)
{
    (void)arg;
    int r = weft_await(weft_current_task(), NULL);
    if (r == WEFT_ERUNTIME) {
        trace("%s", err(r));
    }
    WEFT_TRY(weft_sleep(0));
    return return_text("goes on");
}

static int itself(void)
{
    weft_value value;

    WEFT_TRY(join(spawn(direct, NULL), &value));
    trace("%s", text_of(value));
    return 0;
}

struct link {
    const char *name;
    weft_future *next;
};

static int link_body(void *arg)
{
    struct link *link = arg;
    int r = weft_await(link->next, NULL);

    if (r == WEFT_ECANCELED) {
        trace("%s cancelled", link->name);
    }
    int late = weft_sleep(0);
    trace("%s ends", link->name);
    return late < 0 ? late : r;
}

static int chain(void)
{
    weft_future *end = make_future();
    struct link links[] = { { "a", end }, { "b", NULL }, { "c", NULL } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        links[i].next = i == 0 ? end : tasks[i - 1];
        tasks[i] = spawn(link_body, &links[i]);
    }
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[2], NULL));
    trace("end cancelled %s", truth(weft_future_cancelled(end)));
    wait_one(tasks[2]);
    trace("%s %s %s", truth(weft_future_cancelled(tasks[0])),
          truth(weft_future_cancelled(tasks[1])), truth(weft_future_cancelled(tasks[2])));
    trace("%d %d %d", weft_task_cancelling(tasks[0]), weft_task_cancelling(tasks[1]),
          weft_task_cancelling(tasks[2]));
    drop_all(tasks, 3);
    weft_future_unref(end);
    return 0;
}

static int swallow(void *next)
{
    int r = weft_await(next, NULL);

    return r == WEFT_ECANCELED ? return_text("swallowed") : r;
}

static int awaits(void *task)
{
    weft_value value;

    WEFT_TRY(weft_await(task, &value));
    return weft_return(value);
}

static int swallowing(void)
{
    weft_future *end = make_future();
    struct link link = { "a", end };
    weft_task *a = spawn(link_body, &link);
    weft_task *b = spawn(swallow, a);
    weft_task *c = spawn(awaits, b);
    weft_value value;

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(c, NULL));
    int r = weft_await(c, &value);
    if (r == 0) {
        trace("c got %s", text_of(value));
    } else {
        trace("c cancelled");
    }
    trace("b %s", result_text(b));
    weft_future_unref(a);
    weft_future_unref(b);
    weft_future_unref(c);
    weft_future_unref(end);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(itself_shielded());
    WEFT_TRY(itself());
    WEFT_TRY(chain());
    return swallowing();
}

int main(void)
{
    return scenario_main(story);
}
