#ifndef WF_HTTP_WIRE_H
#define WF_HTTP_WIRE_H

/*
 * The waits of a connection, each under one deadline, and what it sends.
 *
 *     wf_http_wire_set_deadline(connection, deadline);
 *     r = wf_http_wire_settle(connection, weft_stream_...(connection->stream, ...));
 *
 * Thread: the connection's task.
 */

#include "server.h"

/* Let the present wait end at <deadline>. */
void wf_http_wire_set_deadline(struct wf_http_connection *connection, weft_time deadline);
/* The same <limit> from now, or at the limit of the whole request. */
void wf_http_wire_limit(struct wf_http_connection *connection, weft_duration limit);
/* The time <limit> from now. */
weft_time wf_http_wire_after(weft_duration limit);
/*
 * A wait that had a deadline has ended with <r>: WEFT_ETIMEDOUT if the deadline ended it. One that
 * the limit of the whole request ended stays cancelled, so that the handler comes to its end.
 */
int wf_http_wire_settle(struct wf_http_connection *connection, int r);
/* The handler has returned: there is no limit of the request any more, and <r> is settled. */
int wf_http_wire_settle_handler(struct wf_http_connection *connection, int r);
/* The connection ends: its timer and its flusher go. */
void wf_http_wire_fini(struct wf_http_connection *connection);

/* Send what is gathered, and wait while the client is slow to take it. */
int wf_http_wire_flush(struct wf_http_connection *connection);
enum {
    WF_HTTP_WIRE_MAX_PARTS = 3
};

/* The same and <parts> behind it, without a copy. */
int wf_http_wire_flush_with(struct wf_http_connection *connection, const weft_buffer *parts,
                            size_t n);
/*
 * The same and a piece of a file behind it. Errors: as weft_stream_sendfile; WEFT_EINCOMPLETEREAD
 * when the file is shorter.
 */
int wf_http_wire_send_file(struct wf_http_connection *connection, int fd, int64_t offset,
                           uint64_t size);
/* What is gathered must not wait for a handler that does: send it if that happens. */
void wf_http_wire_flush_soon(struct wf_http_connection *connection);
/* Not any more. */
void wf_http_wire_forget_flush(struct wf_http_connection *connection);

static inline weft_time wf_http_wire_earlier(weft_time a, weft_time b)
{
    return a < b ? a : b;
}

#endif
