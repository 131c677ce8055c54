/*
 * 057-future-early-cancel-check: A task that is handed an already cancelled future checks first
 * and skips its work.
 */
#include "support/scenario.h"

struct operation {
    const char *name;
    weft_future *future;
};

static int slow_operation(void *arg)
{
    const struct operation *me = arg;
    weft_value value;

    if (weft_future_cancelled(me->future)) {
        trace("%s skipped", me->name);
        return 0;
    }
    trace("%s computes", me->name);
    WEFT_TRY(weft_await(me->future, &value));
    trace("%s got %d", me->name, (int)value.as.num);
    return 0;
}

static int set_eight(void *future)
{
    return weft_future_set_result(future, weft_value_int(8));
}

static int story(void *arg)
{
    (void)arg;
    struct operation op1 = { "op1", make_future() };
    struct operation op2 = { "op2", make_future() };
    weft_task *t1 = spawn(slow_operation, &op1);
    weft_task *t2 = spawn(slow_operation, &op2);

    MUST(weft_future_cancel(op1.future, NULL));
    MUST(weft_loop_call_soon(NULL, set_eight, op2.future, NULL));
    WEFT_TRY(join(t1, NULL));
    WEFT_TRY(join(t2, NULL));
    weft_future_unref(op1.future);
    weft_future_unref(op2.future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
