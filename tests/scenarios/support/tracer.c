/*
 * A protocol that prints what it is told.
 */

#include "tracer.h"

#include "tasks.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SEND_BUFFER = 4096
};

void tracer_say(const struct tracer *tracer, const char *text)
{
    trace("%s %s", tracer->name, text);
}

static int run(struct tracer *tracer, tracer_hook *hook)
{
    return hook != NULL ? hook(tracer) : 0;
}

static const char *name_of(int code)
{
    return code == 0 ? "none" : err(code);
}

/* ---- the protocol ---- */

static int on_made(weft_transport *transport, void *data)
{
    struct tracer *tracer = data;

    tracer->transport = weft_transport_ref(transport);
    tracer_say(tracer, "made");
    return run(tracer, tracer->made);
}

static int on_data(weft_transport *transport, const void *bytes, size_t n, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    tracer->n_bytes += n;
    if (!tracer->quiet) {
        trace("%s data %.*s", tracer->name, (int)n, (const char *)bytes);
    }
    return run(tracer, tracer->data);
}

static int on_eof(weft_transport *transport, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    tracer_say(tracer, "eof");
    return run(tracer, tracer->eof);
}

static int on_lost(weft_transport *transport, int code, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    trace("%s lost %s", tracer->name, name_of(code));
    if (tracer->lost != NULL && !weft_future_done(tracer->lost)) {
        MUST(weft_future_set_result(tracer->lost, weft_value_none()));
    }
    return run(tracer, tracer->lost_hook);
}

static int on_pause(weft_transport *transport, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    tracer_say(tracer, "pause");
    return run(tracer, tracer->pause);
}

static int on_resume(weft_transport *transport, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    tracer_say(tracer, "resume");
    return run(tracer, tracer->resume);
}

static int on_get_buffer(weft_transport *transport, size_t hint, void **out_buffer,
                         size_t *out_size, void *data)
{
    struct tracer *tracer = data;

    (void)transport;
    (void)hint;
    *out_buffer = tracer->buffer;
    *out_size = tracer->buffer_size;
    return run(tracer, tracer->get_buffer);
}

static int on_buffer_updated(weft_transport *transport, size_t n, void *data)
{
    struct tracer *tracer = data;

    return on_data(transport, tracer->buffer, n, tracer);
}

#define CALLBACKS                                                                     \
    .connection_made = on_made, .connection_lost = on_lost, .data_received = on_data, \
    .eof_received = on_eof, .pause_writing = on_pause, .resume_writing = on_resume

static const weft_protocol plain_tracer = { .size = sizeof plain_tracer, CALLBACKS };
const weft_protocol buffered_tracer = { .size = sizeof buffered_tracer,
                                        CALLBACKS,
                                        .get_buffer = on_get_buffer,
                                        .buffer_updated = on_buffer_updated };

static int make(const weft_protocol *protocol, const weft_protocol **out_protocol, void **out_data,
                struct tracer *tracer)
{
    tracer->lost = make_future();
    *out_protocol = protocol;
    *out_data = tracer;
    return 0;
}

int make_tracer(const weft_protocol **out_protocol, void **out_data, void *arg)
{
    return make(&plain_tracer, out_protocol, out_data, arg);
}

int make_buffered_tracer(const weft_protocol **out_protocol, void **out_data, void *arg)
{
    return make(&buffered_tracer, out_protocol, out_data, arg);
}

/* ---- its socket ---- */

static int connect_by(weft_protocol_factory_fn *factory, struct tracer *tracer)
{
    int size = SEND_BUFFER;
    int ends[2];

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    MUST(weft_loop_create_connection_fd(NULL, factory, tracer, ends[0], NULL, NULL));
    return ends[1];
}

int connect_tracer(struct tracer *tracer)
{
    return connect_by(make_tracer, tracer);
}

int connect_buffered_tracer(struct tracer *tracer)
{
    return connect_by(make_buffered_tracer, tracer);
}

int read_pipe(struct tracer *tracer, int fd)
{
    return weft_loop_connect_read_pipe(NULL, make_tracer, tracer, fd, NULL, NULL);
}

int write_pipe(struct tracer *tracer, int fd)
{
    return weft_loop_connect_write_pipe(NULL, make_tracer, tracer, fd, NULL, NULL);
}

void connect_pipes(struct tracer *reader, struct tracer *writer)
{
    int ends[2];

    MUST(pipe(ends));
    MUST(read_pipe(reader, ends[0]));
    MUST(write_pipe(writer, ends[1]));
}

int await_lost(const struct tracer *tracer)
{
    return weft_await(tracer->lost, NULL);
}

void tracer_end(struct tracer *tracer)
{
    tracer->transport = weft_transport_unref(tracer->transport);
    tracer->lost = weft_future_unref(tracer->lost);
}

void peer_send(int fd, const char *text)
{
    MUST((int)send(fd, text, strlen(text), MSG_NOSIGNAL));
}

size_t receive(int fd, char *buffer, size_t size)
{
    char piece[4096];
    size_t all = 0;
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < n; i++, all++) {
            if (all < size) {
                buffer[all] = piece[i];
            }
        }
    }
    return all;
}

/* ---- reports ---- */

static int on_report(weft_loop *loop, const weft_report *context, void *data)
{
    char text[160];

    (void)loop;
    (void)data;
    strncpy(text, context->message, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    char *end = strstr(text, "()");
    if (context->kind == WEFT_REPORT_CALLBACK_EXCEPTION && end != NULL) {
        *end = '\0';
    }
    trace("report %s %s", text, name_of(context->code));
    return 0;
}

void print_reports(void)
{
    MUST(weft_loop_set_exception_handler(NULL, on_report, NULL));
}

/* ---- hooks ---- */

int close_it(struct tracer *tracer)
{
    return weft_transport_close(tracer->transport);
}

int abort_it(struct tracer *tracer)
{
    return weft_transport_abort(tracer->transport);
}

int pause_it(struct tracer *tracer)
{
    return weft_transport_pause_reading(tracer->transport);
}

int keep_open(struct tracer *tracer)
{
    (void)tracer;
    return 1;
}

int fail_it(struct tracer *tracer)
{
    (void)tracer;
    return weft_fail(VALUE_ERROR, "on purpose");
}

static int say_it(void *text)
{
    trace("%s", (const char *)text);
    return 0;
}

int say_soon(struct tracer *tracer)
{
    (void)tracer;
    return weft_loop_call_soon(NULL, say_it, "soon", NULL);
}
