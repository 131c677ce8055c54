/*
 * 216-tcp-echo: An echo server and a client over a loopback socket, line by line.
 */
#include "support/scenario.h"

static int serve(weft_stream *stream, void *data)
{
    char *line;
    size_t n;

    (void)data;
    do {
        WEFT_TRY(weft_stream_readline(stream, &line, &n));
        trace("server line %s", show(line, n));
        if (n > 0) {
            weft_buffer answer[] = { { "echo ", 5 }, { line, n } };
            WEFT_TRY(weft_stream_writev(stream, answer, 2));
            WEFT_TRY(weft_stream_drain(stream));
        }
    } while (n > 0);
    return weft_stream_close(stream);
}

static int story(void *arg)
{
    (void)arg;
    static const char *const lines[] = { "one\n", "two\n" };
    weft_server *server = serve_on_loopback(serve, NULL);
    weft_stream *stream = connect_to(server);
    char *line;
    size_t n;

    for (int i = 0; i < 2; i++) {
        write_text(stream, lines[i]);
        WEFT_TRY(weft_stream_readline(stream, &line, &n));
        trace("client line %s", show(line, n));
    }
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
