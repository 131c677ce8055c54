/*
 * 066-task-await-task-costs-passes: Each awaited task costs passes: one to start it, one to wake
 * the awaiting task.
 */
#include "support/scenario.h"

struct ticker {
    int is_ticking;
    int n;
};

static int tick(void *data)
{
    struct ticker *ticker = data;

    if (!ticker->is_ticking) {
        return 0;
    }
    ticker->n += 1;
    trace("tick %d", ticker->n);
    return weft_loop_call_soon(NULL, tick, ticker, NULL);
}

static int leaf(void *arg)
{
    (void)arg;
    trace("leaf");
    return 0;
}

static int middle(void *arg)
{
    (void)arg;
    trace("middle starts");
    WEFT_TRY(join(spawn(leaf, NULL), NULL));
    trace("middle ends");
    return 0;
}

static int story(void *arg)
{
    static struct ticker ticker = { 1, 0 };

    (void)arg;
    MUST(weft_loop_call_soon(NULL, tick, &ticker, NULL));
    WEFT_TRY(join(spawn(middle, NULL), NULL));
    trace("main ends");
    ticker.is_ticking = 0;
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
