/*
 * 202-reader-readline-waits: A reader waits until the newline has arrived, however many pieces
 * it takes.
 */
#include "support/scenario.h"

static int reader(void *stream)
{
    char *line;
    size_t n;

    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    trace("line %s", show(line, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    static const char *const pieces[] = { "he", "ll", "o" };
    struct feed r = feed_create(0);
    weft_task *task = spawn(reader, r.stream);

    for (int i = 0; i < 3; i++) {
        feed_text(&r, pieces[i]);
        WEFT_TRY(weft_sleep(0));
        WEFT_TRY(weft_sleep(0));
        trace("fed %s done=%d", pieces[i], weft_future_done(task));
    }
    feed_text(&r, "\nrest");
    WEFT_TRY(join(task, NULL));
    feed_eof(&r);
    WEFT_TRY(trace_rest("rest", r.stream));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
