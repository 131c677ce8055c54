/*
 * 003-loop-pass-ticks: A self-requeueing callback runs exactly once per pass, so it counts
 * passes for others.
 */
#include "support/scenario.h"

struct hopper {
    const char *name;
    int left;
};

static int tick(void *data)
{
    int *n = data;

    trace("tick %d", *n);
    if (*n == 4) {
        return weft_loop_stop(NULL);
    }
    *n += 1;
    return weft_loop_call_soon(NULL, tick, n, NULL);
}

static int hop(void *data)
{
    struct hopper *hopper = data;

    trace("hop %s %d", hopper->name, hopper->left);
    if (hopper->left == 0) {
        return 0;
    }
    hopper->left -= 1;
    return weft_loop_call_soon(NULL, hop, hopper, NULL);
}

int main(void)
{
    weft_loop *loop = make_loop();
    int n = 1;
    struct hopper x = { "x", 2 };
    struct hopper y = { "y", 1 };

    MUST(weft_loop_call_soon(loop, tick, &n, NULL));
    MUST(weft_loop_call_soon(loop, hop, &x, NULL));
    MUST(weft_loop_call_soon(loop, hop, &y, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    return 0;
}
