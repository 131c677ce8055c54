/* What the built-in protocols share: a stream to the target. */

#include "load/client.h"

#include "weft/stream.h"

#include <sys/socket.h>

int client_open_stream(const struct options *options, weft_stream **out_stream)
{
    return client_open_stream_from(options, NULL, out_stream);
}

int client_open_stream_from(const struct options *options, const char *from,
                            weft_stream **out_stream)
{
    const struct target *target = &options->target;
    weft_stream_options limits = WEFT_STREAM_OPTIONS_INIT;
    weft_connect_options connect = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream *stream;
    int r;

    limits.connect_limit = options->timeout;
    connect.local_host = from;
    limits.connect = from != NULL ? &connect : NULL;
    if (target->socket[0] != '\0') {
        r = weft_open_unix_connection(target->socket, &limits, &stream);
    } else {
        r = weft_open_connection(target->host, target->port, &limits, &stream);
    }
    if (r < 0) {
        return r;
    }
    weft_stream_set_read_limit(stream, options->timeout);
    weft_stream_set_write_limit(stream, options->timeout);
    *out_stream = stream;
    return 0;
}

bool client_stream_is_over(const weft_stream *stream)
{
    char byte;

    return recv(weft_stream_get_fd(stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}
