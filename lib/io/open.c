/*
 * Opening streams: connect (connect.c), then make a stream of the socket.
 *
 * Thread: the loop's, in a task.
 */

#include "io/connect.h"
#include "io/stream.h"

#include "base/alloc.h"
#include "base/log.h"

/* What both kinds begin with; *out_deadline is that of the stream options. */
static int begin(const char *what, const weft_stream_options *options, weft_stream **out_stream,
                 weft_stream_options *out_options, struct wf_io **out_io, weft_time *out_deadline)
{
    struct wf_task *task;
    int code = wf_task_require(what, &task);

    if (code < 0 || (code = wf_stream_read_options(options, out_options)) < 0) {
        return code;
    }
    if (out_stream == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the new stream");
    }
    code = wf_io_get(wf_loop_running, out_io);
    if (code == 0) {
        *out_deadline = wf_loop_deadline((*out_io)->loop, out_options->connect_limit);
    }
    return code;
}

/* A stream of the socket that was connected. */
static int make_stream(struct wf_io *io, struct wf_connected *connected,
                       const weft_stream_options *options, const weft_origin *origin,
                       weft_stream **out_stream)
{
    int code = wf_stream_create(io, connected->fd, &connected->peer, options, origin, out_stream);

    if (code < 0) {
        wf_connected_drop(connected);
    }
    return code;
}

int weft_open_connection_at(const weft_origin *origin, const char *host, int port,
                            const weft_stream_options *options, weft_stream **out_stream)
{
    weft_connect_options connect = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_connected connected = { 0 };
    struct wf_io *io = NULL;
    weft_time deadline = WEFT_FOREVER;
    int code = begin("weft_open_connection", options, out_stream, &read, &io, &deadline);

    if (code < 0 || (code = wf_connect_read_options(read.connect, &connect)) < 0 ||
        (code = wf_connect(io, host, port, &connect, deadline, origin, &connected)) < 0) {
        return code;
    }
    return make_stream(io, &connected, &read, origin, out_stream);
}

int weft_open_unix_connection_at(const weft_origin *origin, const char *path,
                                 const weft_stream_options *options, weft_stream **out_stream)
{
    weft_stream_options read = WEFT_STREAM_OPTIONS_INIT;
    struct wf_connected connected = { 0 };
    struct wf_io *io = NULL;
    weft_time deadline = WEFT_FOREVER;
    int code = begin("weft_open_unix_connection", options, out_stream, &read, &io, &deadline);

    if (code < 0 || (code = wf_connect_unix(io, path, deadline, origin, &connected)) < 0) {
        return code;
    }
    return make_stream(io, &connected, &read, origin, out_stream);
}
