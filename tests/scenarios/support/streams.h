#ifndef WEFT_SCENARIO_STREAMS_H
#define WEFT_SCENARIO_STREAMS_H

/*
 * streams.h: shorthands for streams and servers on loopback.
 */

#include "weft/weft.h"

#include <stddef.h>

/** A StreamReader to be fed. */
struct feed {
    weft_stream *stream;
};

/** Make one; <limit> 0 is the default. */
struct feed feed_create(size_t limit);
/** r.feed_data(text). */
void feed_text(struct feed *feed, const char *text);
/** r.feed_eof(). */
void feed_eof(struct feed *feed);
/** feed_eof as a callback. */
int feed_eof_later(void *feed);
void feed_destroy(struct feed *feed);

/** Read up to the end of the stream: Python's read(). */
int read_all(weft_stream *stream, void *buffer, size_t size, size_t *out_n);
/** Print "<label> <what read_all gives>". */
int trace_rest(const char *label, weft_stream *stream);
/** writer.close(), await writer.wait_closed(), and it goes. */
int end_stream(weft_stream *stream);
/** server.close(), await server.wait_closed(), and it goes. */
int end_server(weft_server *server);
/** A server on a port of 127.0.0.1 that the system chooses. */
#define serve_on_loopback(fn, data) serve_on_loopback_at(WEFT_ORIGIN(#fn), (fn), (data))
weft_server *serve_on_loopback_at(const weft_origin *origin, weft_client_connected_fn *fn,
                                  void *data);
/** A client of it. */
weft_stream *connect_to(weft_server *server);
/** writer.write(text). */
void write_text(weft_stream *stream, const char *text);

#endif
