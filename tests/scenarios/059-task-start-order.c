/*
 * 059-task-start-order: Tasks take their first steps in creation order, mixed FIFO with
 * call_soon callbacks.
 */
#include "support/scenario.h"

static int child(void *name)
{
    trace("task %s", (const char *)name);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_task *tasks[3];

    tasks[0] = spawn(child, "t1");
    MUST(weft_loop_call_soon(NULL, say, "callback 1", NULL));
    tasks[1] = spawn(child, "t2");
    MUST(weft_loop_call_soon(NULL, say, "callback 2", NULL));
    tasks[2] = spawn(child, "t3");
    trace("main yields");
    WEFT_TRY(weft_sleep(0));
    trace("main back");
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(join(tasks[i], NULL));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
