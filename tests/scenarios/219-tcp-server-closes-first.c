/*
 * 219-tcp-server-closes-first: The server closes right after writing: the client still reads
 * everything, then EOF.
 */
#include "support/scenario.h"

static int serve(weft_stream *stream, void *data)
{
    (void)data;
    write_text(stream, "goodbye\n");
    WEFT_TRY(weft_stream_close(stream));
    return weft_stream_wait_closed(stream);
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);
    weft_stream *stream = connect_to(server);
    char *line;
    size_t n;

    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    trace("%s", show(line, n));
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    trace("%s at_eof=%d", show(line, n), weft_stream_at_eof(stream));
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
