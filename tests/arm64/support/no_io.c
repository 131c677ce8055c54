/*
 * lib/io is not part of the cross-built library, since it needs libuv: no stream and no
 * transport exists in these programs, and nobody describes one.
 */
#include "io/stream.h"
#include "io/transport.h"

#include <stdlib.h>

void wf_stream_describe(const weft_stream *stream, char *buffer, size_t size)
{
    (void)stream;
    (void)buffer;
    (void)size;
    abort();
}

void wf_transport_describe(const weft_transport *transport, char *buffer, size_t size)
{
    (void)transport;
    (void)buffer;
    (void)size;
    abort();
}
