/*
 * 207-reader-readuntil: readuntil returns up to and including its separator, which may be
 * several bytes long.
 */
#include "support/scenario.h"

#include <string.h>

static int read_until(weft_stream *stream, const char *separator)
{
    char *data;
    size_t n;

    WEFT_TRY(weft_stream_readuntil(stream, separator, strlen(separator), &data, &n));
    trace("%s", show(data, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);

    feed_text(&r, "Host: a\r\nX: b\r\n\r\nbody");
    WEFT_TRY(read_until(r.stream, "\r\n\r\n"));
    feed_text(&r, ";tail;");
    WEFT_TRY(read_until(r.stream, ";"));
    WEFT_TRY(read_until(r.stream, ";"));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
