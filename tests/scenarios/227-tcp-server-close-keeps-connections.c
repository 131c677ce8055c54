/*
 * 227-tcp-server-close-keeps-connections: Closing the listening server stops accepting, but
 * existing connections go on.
 */
#include "support/scenario.h"

#include <ctype.h>

static int serve(weft_stream *stream, void *data)
{
    char *line;
    size_t n;

    (void)data;
    for (;;) {
        WEFT_TRY(weft_stream_readline(stream, &line, &n));
        if (n == 0) {
            return weft_stream_close(stream);
        }
        for (size_t i = 0; i < n; i++) {
            line[i] = (char)toupper((unsigned char)line[i]);
        }
        WEFT_TRY(weft_stream_write(stream, line, n));
    }
}

static int ask(weft_stream *stream, const char *question)
{
    char *line;
    size_t n;

    write_text(stream, question);
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    trace("%s", show(line, n));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);
    int port = weft_server_get_port(server);
    weft_stream *stream = connect_to(server);
    weft_stream *second;

    WEFT_TRY(ask(stream, "before\n"));
    trace("serving=%d", weft_server_is_serving(server));
    MUST(weft_server_close(server));
    trace("serving=%d", weft_server_is_serving(server));
    WEFT_TRY(ask(stream, "after\n"));
    int r = weft_open_connection("127.0.0.1", port, NULL, &second);
    if (r < 0) {
        trace("new connection: %s", err(r));
    }
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
