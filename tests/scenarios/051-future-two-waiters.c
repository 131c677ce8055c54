/*
 * 051-future-two-waiters: Several tasks can wait for one future; they wake in the order they
 * began to wait.
 */
#include "support/scenario.h"

struct waiter {
    const char *name;
    weft_future *future;
};

static int waiter(void *arg)
{
    const struct waiter *me = arg;
    weft_value value;

    trace("%s waits", me->name);
    WEFT_TRY(weft_await(me->future, &value));
    trace("%s got %d", me->name, (int)value.as.num);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    struct waiter waiters[] = { { "t1", future }, { "t2", future }, { "t3", future } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(waiter, &waiters[i]);
    }
    WEFT_TRY(weft_sleep(0));
    MUST(weft_future_set_result(future, weft_value_int(9)));
    trace("set");
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(join(tasks[i], NULL));
    }
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
