/*
 * One connection of a server: a task that runs the handler, reports what that
 * came to, and sees the stream to its end.
 *
 *     accepted -> task waits for its first step -> handler runs -> what it left
 *     unsent is sent -> gone
 *
 * What a handler left in the write queue is sent as long as the peer takes it;
 * a peer that takes nothing for a whole grace period is cut off, so that it
 * cannot hold the descriptor for ever. A cancelled handler has a short one.
 *
 * An error is reported to the exception handler, unless it is the one that the
 * connection itself broke with: clients come and go, that is no news.
 *
 * Thread: the loop's.
 */

#include "io/server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/frame.h"
#include "task/coro.h"

#include <stdio.h>
#include <unistd.h>

#define GRACE           WEFT_S(30)
#define GRACE_CANCELLED WEFT_S(1)

static void free_connection(weft_stream *stream)
{
    wf_free(WF_CONTAINER_OF(stream, struct wf_connection, stream));
}

/* It leaves the server; the memory goes when the last call on the stream has ended. */
static void leave(struct wf_connection *connection)
{
    weft_server *server = connection->client.server;

    wf_list_remove(&connection->client.link);
    connection->task = weft_future_unref(connection->task);
    if (connection->stream.io != NULL) { /* it may outlive the server for a moment */
        connection->stream.traffic = &connection->stream.io->traffic;
    }
    wf_stream_release(&connection->stream);
    wf_server_on_client_end(server);
}

/* The task never ran: cancelled before its first step, or the loop closed. */
static void drop(void *data)
{
    struct wf_connection *connection = data;

    if (connection->client.server == NULL) { /* abandoned with its loop */
        wf_stream_release(&connection->stream);
        return;
    }
    (void)weft_stream_abort(&connection->stream); /* checked: this is its loop's thread */
    leave(connection);
}

/* What the connection itself broke with, or that we cut it. */
static bool is_own_failure(const weft_stream *stream, int code)
{
    return code == stream->reader.code || code == stream->writer.code ||
           (code == WEFT_ECLOSED && stream->is_aborted);
}

static void report(struct wf_connection *connection, int code)
{
    weft_error *error = wf_frame_take_error(wf_frame_current(), code);

    if (code < 0 && code != WEFT_ECANCELED && !is_own_failure(&connection->stream, code)) {
        weft_report report = WEFT_REPORT_INIT;
        char object[256];
        wf_stream_describe(&connection->stream, object, sizeof object);
        report.kind = WEFT_REPORT_CALLBACK_EXCEPTION;
        report.message = "Unhandled exception in client_connected_cb";
        report.subject = connection->stream.origin != NULL ? connection->stream.origin->what : NULL;
        report.object = object;
        report.error = error;
        report.code = code;
        report.origin = connection->stream.origin;
        report.source = connection->task;
        wf_loop_report(connection->stream.loop, &report);
    }
    wf_error_unref(error);
}

/* Close the stream and wait for that, as long as it makes progress. WEFT_ECANCELED, or 0. */
static int linger(weft_stream *stream, weft_duration grace)
{
    (void)weft_stream_close(stream); /* checked: this is its loop's thread */
    while (stream->state != WF_STREAM_CLOSED) {
        size_t before = stream->outbox.size;
        int code = wf_stream_wait_closed_for(stream, grace);
        if (code == WEFT_ECANCELED || code == WEFT_ENOMEM ||
            (code == WEFT_ETIMEDOUT && stream->outbox.size == before)) {
            (void)weft_stream_abort(stream); /* as above */
            return code == WEFT_ECANCELED ? code : 0;
        }
    }
    return 0;
}

/* The body of the connection's task. */
static int serve(void *arg)
{
    struct wf_connection *connection = arg;
    const struct wf_service *service = &connection->client.server->service;

    connection->is_started = true;
    int code = service->fn(&connection->stream, service->data);
    report(connection, code);
    bool is_cancelled = code == WEFT_ECANCELED;
    if (linger(&connection->stream, is_cancelled ? GRACE_CANCELLED : GRACE) < 0) {
        is_cancelled = true;
    }
    leave(connection);
    return is_cancelled ? WEFT_ECANCELED : 0;
}

/* A cancel only asks: the list of clients does not change here. One that is done needs none. */
static void close_client(struct wf_client *client)
{
    (void)weft_task_cancel(WF_CONTAINER_OF(client, struct wf_connection, client)->task, NULL);
}

static void abort_client(struct wf_client *client)
{
    struct wf_connection *connection = WF_CONTAINER_OF(client, struct wf_connection, client);

    (void)weft_stream_abort(&connection->stream); /* checked; it only wakes */
}

/* The loop closes: nobody comes back to the connection. */
static void abandon_client(struct wf_client *client)
{
    struct wf_connection *connection = WF_CONTAINER_OF(client, struct wf_connection, client);

    wf_list_remove(&client->link);
    client->server = NULL;
    connection->task = weft_future_unref(connection->task);
    connection->stream.is_released = connection->is_started;
}

static const struct wf_client_ops client_ops = { close_client, abort_client, abandon_client };

static struct wf_connection *make(weft_server *server, const struct wf_address *peer)
{
    struct wf_connection *connection = wf_new(struct wf_connection);

    if (connection == NULL) {
        return NULL;
    }
    wf_stream_init(&connection->stream, server->io, &server->options.stream, server->origin);
    wf_peer_set(&connection->stream.peer, peer);
    connection->stream.is_served = true;
    connection->stream.traffic = &server->traffic;
    connection->stream.release = free_connection;
    wf_server_add_client(server, &connection->client, &client_ops);
    return connection;
}

/* A named server's tasks carry its name, so that reports say whose they are. */
static int create_task(weft_server *server, weft_coro *coro, weft_task **out_task)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    char name[64];

    options.eager_start = -1; /* nothing of the user's runs while the connection is made */
    if (server->name == NULL) {
        return wf_task_create(server->origin, server->loop, coro, &options, out_task);
    }
    snprintf(name, sizeof name, "%.40s-%llu", server->name,
             (unsigned long long)server->stats.accepted + 1);
    options.name = name;
    return wf_task_create(server->origin, server->loop, coro, &options, out_task);
}

int wf_connection_start(weft_server *server, int fd, const struct wf_address *peer)
{
    struct wf_connection *connection = make(server, peer);
    weft_task *task;

    if (connection == NULL) {
        (void)close(fd); /* nothing was said on it */
        return WEFT_ENOMEM;
    }
    int code = wf_stream_attach(&connection->stream, fd);
    if (code < 0) {
        (void)close(fd); /* as above */
        drop(connection);
        return code;
    }
    wf_stream_open(&connection->stream);
    /* From here on <drop> is called by whoever fails. */
    weft_coro *coro = weft_coro_create_at(server->origin, serve, connection, drop);
    if (coro == NULL) {
        return WEFT_ENOMEM;
    }
    wf_coro_take(coro);
    code = create_task(server, coro, &task);
    if (code == 0) {
        connection->task = task;
    }
    return code;
}
