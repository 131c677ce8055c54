/*
 * 203-reader-read-some: read(n) gives what is there, at most n bytes, and waits only if there is
 * nothing.
 */
#include "support/scenario.h"

static struct feed r;

static int feed_late(void *text)
{
    feed_text(&r, text);
    return 0;
}

static int read_some(size_t size)
{
    char bytes[100];
    size_t n;

    WEFT_TRY(weft_stream_read(r.stream, bytes, size, &n));
    if (size > 0 && n == 0) {
        trace("%s at_eof=%d", show(bytes, n), weft_stream_at_eof(r.stream));
    } else {
        trace("%s", show(bytes, n));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    r = feed_create(0);
    feed_text(&r, "abcdef");
    WEFT_TRY(read_some(4));
    WEFT_TRY(read_some(4));
    WEFT_TRY(read_some(0));
    MUST(weft_loop_call_soon(NULL, feed_late, "late", NULL));
    WEFT_TRY(read_some(100));
    MUST(weft_loop_call_soon(NULL, feed_eof_later, &r, NULL));
    WEFT_TRY(read_some(100));
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
