/*
 * 220-tcp-large-write-then-close: close() after a large write first sends everything that is
 * buffered.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 20000000
};

static int serve(weft_stream *stream, void *data)
{
    char *bytes = MUST_HAVE(malloc(SIZE));

    (void)data;
    memset(bytes, 'x', SIZE);
    MUST(weft_stream_write(stream, bytes, SIZE));
    free(bytes);
    MUST(weft_stream_close(stream));
    trace("server closing=%d still buffered=%d", weft_stream_is_closing(stream),
          weft_stream_get_write_buffer_size(stream) > 0);
    return 0;
}

static int is_all_x(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 'x') {
            return 0;
        }
    }
    return n == SIZE;
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);
    weft_stream *stream = connect_to(server);
    char *bytes = MUST_HAVE(malloc(SIZE + 1));
    size_t n;

    WEFT_TRY(read_all(stream, bytes, SIZE + 1, &n));
    trace("client got %d bytes, all x=%d", (int)n, is_all_x(bytes, n));
    free(bytes);
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
