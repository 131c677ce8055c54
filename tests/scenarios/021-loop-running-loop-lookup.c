/*
 * 021-loop-running-loop-lookup: The running loop is known inside callbacks and coroutines only.
 *
 * weft_get_running_loop returns NULL where Python's raises; what needs a running loop is refused
 * with the error that is printed here.
 */
#include "support/scenario.h"

struct place {
    const char *where;
    weft_loop *loop;
};

static int lookup(void *data)
{
    const struct place *place = data;
    weft_loop *running = weft_get_running_loop();

    if (running == NULL) {
        int r = weft_loop_call_soon(NULL, say, "no loop", NULL);
        trace("%s %s", place->where, err(r));
    } else {
        trace("%s same=%d", place->where, running == place->loop);
    }
    return 0;
}

int main(void)
{
    weft_loop *loop = make_loop();
    struct place outside = { "outside", loop };
    struct place callback = { "callback", loop };
    struct place coroutine = { "coroutine", loop };
    struct place outside_again = { "outside again", loop };

    lookup(&outside);
    MUST(weft_loop_call_soon(loop, lookup, &callback, NULL));
    MUST(weft_loop_run_until_complete(loop, weft_coro_create(lookup, &coroutine), NULL));
    lookup(&outside_again);
    end_loop(loop);
    return 0;
}
