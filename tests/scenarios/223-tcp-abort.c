/*
 * 223-tcp-abort: abort() drops buffered data; the local protocol hears connection_lost without
 * an error.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 20000000
};

/* It reads nothing until the client is done. */
static int serve(weft_stream *stream, void *over)
{
    WEFT_TRY(weft_event_wait(over));
    return weft_stream_abort(stream);
}

static int story(void *arg)
{
    (void)arg;
    weft_event *over = MUST_HAVE(weft_event_create());
    weft_server *server = serve_on_loopback(serve, over);
    weft_stream *stream = connect_to(server);
    char *bytes = MUST_HAVE(malloc(SIZE));

    memset(bytes, 'x', SIZE);
    MUST(weft_stream_write(stream, bytes, SIZE));
    free(bytes);
    trace("buffered=%d", weft_stream_get_write_buffer_size(stream) > 0);
    MUST(weft_stream_abort(stream));
    trace("lost, error none=%d", weft_stream_wait_closed(stream) == 0);
    trace("buffer size %d", (int)weft_stream_get_write_buffer_size(stream));
    weft_stream_destroy(stream);
    MUST(weft_event_set(over));
    WEFT_TRY(end_server(server));
    return weft_event_destroy(over);
}

int main(void)
{
    return scenario_main_real(story);
}
