/*
 * sync-queue-ping-pong: Two queues of one item between two tasks: how many turns a round takes.
 */
#include "support/scenario.h"

struct pair {
    weft_queue *a;
    weft_queue *b;
};

static int echo(void *arg)
{
    const struct pair *pair = arg;
    int n;

    for (;;) {
        WEFT_TRY(wait_get(pair->a, &n));
        if (n < 0) {
            break;
        }
        WEFT_TRY(wait_put(pair->b, n + 1));
    }
    trace("echo ends");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct pair pair = { make_queue(1), make_queue(1) };
    weft_task *task = spawn(echo, &pair);
    int n = 0;

    start_ticks(9);
    for (int i = 0; i < 4; i++) {
        WEFT_TRY(wait_put(pair.a, n));
        WEFT_TRY(wait_get(pair.b, &n));
        trace("main has %d", n);
    }
    WEFT_TRY(wait_put(pair.a, -1));
    WEFT_TRY(wait_put(pair.a, -2));
    trace("put behind the end, size %zu", weft_queue_qsize(pair.a));
    WEFT_TRY(join(task, NULL));
    MUST(weft_queue_destroy(pair.a));
    return weft_queue_destroy(pair.b);
}

int main(void)
{
    return scenario_main(story);
}
