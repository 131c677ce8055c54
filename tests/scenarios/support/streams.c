/*
 * Shorthands for streams and servers on loopback.
 */

#include "streams.h"

#include "trace.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct feed feed_create(size_t limit)
{
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
    struct feed feed;

    options.limit = limit;
    MUST(weft_stream_create_memory(&options, &feed.stream));
    return feed;
}

void feed_text(struct feed *feed, const char *text)
{
    MUST(weft_stream_feed_data(feed->stream, text, strlen(text)));
}

void feed_eof(struct feed *feed)
{
    MUST(weft_stream_feed_eof(feed->stream));
}

int feed_eof_later(void *feed)
{
    feed_eof(feed);
    return 0;
}

void feed_destroy(struct feed *feed)
{
    weft_stream_destroy(feed->stream);
}

int read_all(weft_stream *stream, void *buffer, size_t size, size_t *out_n)
{
    size_t used = 0;
    size_t n = 0;

    do {
        WEFT_TRY(weft_stream_read(stream, (char *)buffer + used, size - used, &n));
        used += n;
    } while (n > 0 && used < size);
    *out_n = used;
    return 0;
}

int trace_rest(const char *label, weft_stream *stream)
{
    char bytes[256];
    size_t n;

    WEFT_TRY(read_all(stream, bytes, sizeof bytes, &n));
    trace("%s %s", label, show(bytes, n));
    return 0;
}

int end_stream(weft_stream *stream)
{
    MUST(weft_stream_close(stream));
    int r = weft_stream_wait_closed(stream);
    weft_stream_destroy(stream);
    return r;
}

int end_server(weft_server *server)
{
    MUST(weft_server_close(server));
    int r = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return r;
}

weft_server *serve_on_loopback_at(const weft_origin *origin, weft_client_connected_fn *fn,
                                  void *data)
{
    weft_server *server = NULL;

    MUST(weft_start_server_at(origin, fn, data, "127.0.0.1", 0, NULL, &server));
    return server;
}

weft_stream *connect_to(weft_server *server)
{
    weft_stream *stream = NULL;

    MUST(weft_open_connection("127.0.0.1", weft_server_get_port(server), NULL, &stream));
    return stream;
}

void write_text(weft_stream *stream, const char *text)
{
    MUST(weft_stream_write(stream, text, strlen(text)));
}
