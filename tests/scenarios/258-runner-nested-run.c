/*
 * 258-runner-nested-run: run() inside a running loop is a RuntimeError.
 */
#include "support/scenario.h"

static int inner(void *arg)
{
    (void)arg;
    trace("inner");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    int r = run_virtual(inner, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    WEFT_TRY(weft_sleep(0));
    trace("outer goes on");
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
