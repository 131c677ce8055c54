/*
 * 211-reader-one-reader-at-a-time: A second task that tries to read while one is waiting gets
 * RuntimeError; the first is not disturbed.
 */
#include "support/scenario.h"

struct reader {
    const char *name;
    weft_stream *stream;
};

static int reader(void *arg)
{
    const struct reader *me = arg;
    char *line;
    size_t n;
    int r = weft_stream_readline(me->stream, &line, &n);

    trace("%s %s", me->name, r < 0 ? err(r) : show(line, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    struct reader readers[] = { { "a", r.stream }, { "b", r.stream } };
    weft_task *tasks[] = { spawn(reader, &readers[0]), spawn(reader, &readers[1]) };

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    feed_text(&r, "line\n");
    wait_all(tasks, 2);
    drop_all(tasks, 2);
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
