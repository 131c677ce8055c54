/*
 * 289-pattern-pipeline: Three stages joined by bounded queues; an end marker travels through and
 * ends each stage in turn.
 */
#include "support/scenario.h"

enum {
    END = -1
};

struct line {
    weft_queue *a;
    weft_queue *b;
};

static int source(void *arg)
{
    const struct line *line = arg;

    for (int n = 0; n < 4; n++) {
        WEFT_TRY(wait_put(line->a, n));
    }
    WEFT_TRY(wait_put(line->a, END));
    trace("source ends");
    return 0;
}

static int doubler(void *arg)
{
    const struct line *line = arg;
    int n;

    for (;;) {
        WEFT_TRY(wait_get(line->a, &n));
        if (n == END) {
            break;
        }
        WEFT_TRY(wait_put(line->b, n * 2));
    }
    WEFT_TRY(wait_put(line->b, END));
    trace("double ends");
    return 0;
}

static int sink(void *arg)
{
    const struct line *line = arg;
    int n;

    for (;;) {
        WEFT_TRY(wait_get(line->b, &n));
        if (n == END) {
            break;
        }
        trace("sink %d", n);
    }
    trace("sink ends");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct line line = { make_queue(1), make_queue(1) };
    weft_awaitable *stages[] = { weft_coro_create(source, &line), weft_coro_create(doubler, &line),
                                 weft_coro_create(sink, &line) };
    weft_future *all = NULL;

    MUST(weft_gather(stages, 3, 0, &all));
    WEFT_TRY(join(all, NULL));
    WEFT_TRY(weft_queue_destroy(line.a));
    return weft_queue_destroy(line.b);
}

int main(void)
{
    return scenario_main(story);
}
