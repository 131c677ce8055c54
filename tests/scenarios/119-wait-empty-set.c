/*
 * 119-wait-empty-set: Waiting for an empty set is a ValueError.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    int r = weft_wait(NULL, 0, WEFT_FOREVER, WEFT_ALL_COMPLETED);

    if (r < 0) {
        trace("%s", err(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
