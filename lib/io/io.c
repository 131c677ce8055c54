/*
 * The slot of this floor in a loop: made at the first use, closed with the loop.
 *
 * Closing, in this order: servers stop, processes that still run are reported and killed, streams
 * and transports are reported and lose their descriptors, the rest is freed. What a user still
 * holds (a stream, a server) stays a valid object that refuses everything with WEFT_ECLOSED until
 * it is destroyed.
 *
 * Thread: the loop's.
 */

#include "io/io.h"

#include "base/alloc.h"
#include "io/connect.h"
#include "io/process.h"
#include "io/server.h"
#include "io/stream.h"
#include "io/transport.h"
#include "weft/executor.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

static void close_members(struct wf_io *io)
{
    while (!wf_list_is_empty(&io->members)) {
        struct wf_io_member *member = WF_CONTAINER_OF(io->members.next, struct wf_io_member, link);
        member->close(member);
    }
}

static void close_slot(weft_loop *loop, void *data)
{
    struct wf_io *io = data;

    (void)loop;
    wf_servers_close_all(io);
    wf_connects_close_all(io);
    wf_socket_waits_close_all(io);
    wf_processes_close_all(io);
    wf_streams_close_all(io);
    wf_transports_close_all(io);
    close_members(io);
    wf_stdio_close(&io->stdio);
    io->names = weft_executor_unref(io->names); /* all NULL */
    io->starter = weft_executor_unref(io->starter);
    io->files = weft_executor_unref(io->files);
    if (io->reserve >= 0) {
        (void)close(io->reserve); /* nothing was written to it */
        io->reserve = -1;
    }
}

static void free_slot(void *data)
{
    struct wf_io *io = data;

    wf_free(io->view);
    wf_free(io->piece);
    while (io->n_spares > 0) {
        wf_free(io->spares[--io->n_spares]);
    }
    wf_free(io);
}

static const struct wf_loop_slot_ops slot_ops = { .close = close_slot, .destroy = free_slot };

/* glibc's prototype takes a transparent union, which is no plain function pointer. */
static int accept_client(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return accept4(fd, address, len, flags);
}

static int make_slot(weft_loop *loop, struct wf_io **out_io)
{
    struct wf_io *io = wf_new(struct wf_io);

    if (io == NULL) {
        return WEFT_ENOMEM;
    }
    io->loop = loop;
    wf_list_init(&io->streams);
    wf_list_init(&io->servers);
    wf_list_init(&io->connects);
    wf_list_init(&io->socket_waits);
    io->resolve = getaddrinfo;
    wf_list_init(&io->processes);
    wf_list_init(&io->members);
    wf_list_init(&io->transports);
    io->accept = accept_client;
    io->reserve = -1;
    loop->slots[WF_LOOP_SLOT_IO] = (struct wf_loop_slot){ io, &slot_ops };
    *out_io = io;
    return 0;
}

int wf_io_get(weft_loop *loop, struct wf_io **out_io)
{
    struct wf_io *io = loop->slots[WF_LOOP_SLOT_IO].data;

    if (io == NULL) {
        return make_slot(loop, out_io);
    }
    *out_io = io;
    return 0;
}

char *wf_io_make_view(struct wf_io *io)
{
    io->view = wf_alloc(WF_IO_VIEW_SIZE);
    return io->view;
}

void *wf_io_take_spare(struct wf_io *io)
{
    return io->n_spares > 0 ? io->spares[--io->n_spares] : wf_alloc(WF_IO_SPARE_SIZE);
}

void wf_io_give_spare(struct wf_io *io, void *spare)
{
    if (io->n_spares < WF_IO_N_SPARES) {
        io->spares[io->n_spares++] = spare;
    } else {
        wf_free(spare);
    }
}

void wf_io_report_unclosed(weft_loop *loop, const char *what, const char *description,
                           weft_time created_at, const weft_origin *origin,
                           const struct wf_creation *creation)
{
    char message[384];
    char creation_text[WF_CREATION_TEXT_SIZE];
    weft_report report = WEFT_REPORT_INIT;
    weft_duration age = wf_loop_now(loop) - created_at;

    (void)snprintf(message, sizeof message, "unclosed %s <%s, %.3f s old>", what, description,
                   (double)age / 1e9);
    report.kind = WEFT_REPORT_UNCLOSED_TRANSPORT;
    report.message = message;
    report.object = description;
    report.origin = origin;
    report.source_traceback = wf_creation_describe(creation, "Object", creation_text);
    wf_loop_report(loop, &report);
}
