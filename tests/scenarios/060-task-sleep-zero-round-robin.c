/*
 * 060-task-sleep-zero-round-robin: sleep(0) hands over to every other ready task exactly once:
 * strict round robin.
 */
#include "support/scenario.h"

struct worker {
    const char *name;
    int steps;
};

static int worker(void *arg)
{
    const struct worker *me = arg;

    for (int i = 0; i < me->steps; i++) {
        trace("%s %d", me->name, i);
        WEFT_TRY(weft_sleep(0));
    }
    trace("%s ends", me->name);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct worker workers[] = { { "a", 3 }, { "b", 1 }, { "c", 2 } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(worker, &workers[i]);
    }
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(join(tasks[i], NULL));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
