/*
 * 217-tcp-half-close: After write_eof the peer sees EOF but can still answer.
 */
#include "support/scenario.h"

static int serve(weft_stream *stream, void *data)
{
    char bytes[64];
    size_t n;

    (void)data;
    WEFT_TRY(read_all(stream, bytes, sizeof bytes, &n));
    trace("server got %s", show(bytes, n));
    weft_buffer answer[] = { { "answer to ", 10 }, { bytes, n } };
    WEFT_TRY(weft_stream_writev(stream, answer, 2));
    return weft_stream_close(stream);
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);
    weft_stream *stream = connect_to(server);

    write_text(stream, "question");
    MUST(weft_stream_write_eof(stream));
    WEFT_TRY(trace_rest("client got", stream));
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
