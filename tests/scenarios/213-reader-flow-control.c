/*
 * 213-reader-flow-control: Above twice the limit the transport is paused; reading below the limit
 * resumes it.
 */
#include "support/scenario.h"

static void fake_transport(weft_stream *stream, int is_paused, void *data)
{
    (void)stream;
    (void)data;
    trace(is_paused ? "pause_reading" : "resume_reading");
}

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(4);
    char buffer[3];
    size_t n;

    MUST(weft_stream_set_source(r.stream, fake_transport, NULL));
    feed_text(&r, "12345678");
    trace("eight bytes fed");
    feed_text(&r, "9");
    trace("nine bytes fed");
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_stream_readexactly(r.stream, buffer, 3, &n));
        trace("read %s", show(buffer, n));
    }
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
