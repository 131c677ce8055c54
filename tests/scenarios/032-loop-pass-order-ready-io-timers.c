/*
 * 032-loop-pass-order-ready-io-timers: Within a pass: callbacks already queued, then I/O that
 * became ready, then timers that came due.
 */
#include "support/scenario.h"

#include <unistd.h>

struct story {
    int ends[2];
};

static int on_readable(void *data)
{
    struct story *story = data;
    char bytes[10];
    ssize_t n = read(story->ends[0], bytes, sizeof bytes);

    trace("reader got %s", show(bytes, (size_t)MUST((int)n)));
    MUST(weft_loop_remove_reader(NULL, story->ends[0]));
    return 0;
}

static int start(void *data)
{
    struct story *story = data;

    MUST(weft_loop_add_reader(NULL, story->ends[0], on_readable, story));
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), say, "timer", NULL));
    MUST((int)write(story->ends[1], "x", 1));
    MUST(weft_loop_call_soon(NULL, say, "soon", NULL));
    block_for(WEFT_MS(30));
    MUST(weft_loop_call_soon(NULL, stop_loop_next_turn, NULL, NULL));
    trace("start returns");
    return 0;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    struct story story;

    MUST(pipe(story.ends));
    MUST(weft_loop_call_soon(loop, start, &story, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    close(story.ends[0]);
    close(story.ends[1]);
    return 0;
}
