/*
 * 190-executor-blocking-call-delays-everything: A blocking call made in a task delays all other
 * tasks; the same call in the pool does not.
 */
#include "support/scenario.h"

struct ticker {
    int n_ticks;
    struct flag *gate;
};

static int ticker(void *arg)
{
    struct ticker *me = arg;

    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
        me->n_ticks += 1;
    }
    flag_set(me->gate);
    return 0;
}

static int try_way(const char *way)
{
    struct ticker me = { 0, flag_create() };
    weft_task *task = spawn(ticker, &me);

    WEFT_TRY(weft_sleep(0));
    if (way[0] == 'd') {
        block_for(WEFT_MS(100));
    } else {
        WEFT_TRY(weft_to_thread(wait_for_flag, me.gate, NULL));
    }
    trace("%s ticks during the call: %d", way, me.n_ticks);
    WEFT_TRY(join(task, NULL));
    flag_destroy(me.gate);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(try_way("direct"));
    return try_way("pool");
}

int main(void)
{
    return scenario_main_real(story);
}
