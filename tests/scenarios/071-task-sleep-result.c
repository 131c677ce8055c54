/*
 * 071-task-sleep-result: sleep hands back the value it was given; sleepers wake in the order of
 * their deadlines.
 *
 * weft_sleep hands back no value: in C a local variable of the caller stays across the wait.
 */
#include "support/scenario.h"

struct sleeper {
    const char *name;
    int delay_ms;
    const char *value;
};

static int sleeper(void *arg)
{
    struct sleeper me = *(const struct sleeper *)arg;

    WEFT_TRY(weft_sleep(WEFT_MS(me.delay_ms)));
    trace("%s %s", me.name, me.value);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct sleeper sleepers[] = { { "s1", 120, "s1 value" },
                                  { "s2", 40, "s2 value" },
                                  { "s3", 80, "s3 value" } };
    weft_task *tasks[3];
    const char *value = "z";

    WEFT_TRY(weft_sleep(0));
    trace("zero: %s", value);
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(sleeper, &sleepers[i]);
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
