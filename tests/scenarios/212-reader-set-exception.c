/*
 * 212-reader-set-exception: An error set on the reader wakes the waiting task with it and is
 * raised by every later read.
 */
#include "support/scenario.h"

#include <errno.h>

static int reader(void *stream)
{
    char *line;
    size_t n;
    int e = weft_stream_readline(stream, &line, &n);

    if (e < 0) {
        trace("waiting reader %s", err(e));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char buffer[100];
    char *line;
    size_t n;

    feed_text(&r, "partial");
    weft_task *task = spawn(reader, r.stream);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_stream_set_exception(r.stream, -ECONNRESET));
    WEFT_TRY(join(task, NULL));
    for (int i = 0; i < 3; i++) {
        int e = i == 0   ? weft_stream_readline(r.stream, &line, &n)
                : i == 1 ? weft_stream_read(r.stream, buffer, sizeof buffer, &n)
                         : weft_stream_readexactly(r.stream, buffer, 1, &n);
        if (e < 0) {
            trace("later read %s", err(e));
        }
    }
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
