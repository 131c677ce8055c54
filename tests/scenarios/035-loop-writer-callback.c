/*
 * 035-loop-writer-callback: A writer callback fires while the descriptor is writable, pass after
 * pass, until removed.
 */
#include "support/scenario.h"

#include <unistd.h>

struct story {
    int ends[2];
    int count;
};

static int on_writable(void *data)
{
    struct story *story = data;

    story->count += 1;
    trace("writable %d", story->count);
    if (story->count == 3) {
        trace("removed=%d", weft_loop_remove_writer(NULL, story->ends[1]));
        return weft_loop_call_later(NULL, WEFT_MS(20), stop_loop, NULL, NULL);
    }
    return 0;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    struct story story = { .count = 0 };

    MUST(pipe(story.ends));
    MUST(weft_loop_add_writer(loop, story.ends[1], on_writable, &story));
    MUST(weft_loop_run_forever(loop));
    trace("count %d", story.count);
    end_loop(loop);
    close(story.ends[0]);
    close(story.ends[1]);
    return 0;
}
