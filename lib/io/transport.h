#ifndef WF_IO_TRANSPORT_H
#define WF_IO_TRANSPORT_H

/*
 * The inside of a transport: one socket or one end of a pipe, its protocol, and
 * the pieces of work that call it.
 *
 * Four files: transport.c is its life, transport_read.c and transport_write.c are
 * its two directions, transport_make.c makes them, for clients and servers.
 *
 *     made --(a turn)--> connection_made, reading --close, abort, error-->
 *          [queue is sent] --(a turn)--> connection_lost, over
 *
 * The runtime holds one reference from the making until it is over.
 *
 * Thread: the loop's.
 */

#include "base/context.h"
#include "base/frame.h"
#include "io/address.h"
#include "io/outbox.h"
#include "io/server.h"
#include "task/task.h"
#include "weft/transport.h"

#define WF_TRANSPORT_MAGIC 0x77665472u

enum wf_transport_kind {
    WF_TRANSPORT_SOCKET,
    WF_TRANSPORT_READ_PIPE,
    WF_TRANSPORT_WRITE_PIPE
};

struct weft_transport {
    uint32_t magic;
    enum wf_transport_kind kind;
    uint32_t n_refs;
    uint32_t n_inside; /* of them, those of tasks inside a call: nobody else can give them back */
    bool is_made;      /* connection_made was called: it may read */
    bool is_reading_paused; /* by the user */
    bool is_readable;       /* the last edge is not used up */
    bool is_writable;
    bool is_hung_up;        /* an edge said that the end or an error is there to be read */
    bool is_at_end;         /* the peer's last byte was read */
    bool is_writing_paused; /* the protocol was told to pause */
    bool is_end_wanted;     /* write_eof was called */
    bool is_sending_file;   /* a task sends a file: nobody else writes */
    bool is_end_due;        /* of a pipe: eof_received comes before connection_lost */
    bool is_peer_watched;   /* to a pipe: any event but room says that the reader is gone */
    bool is_closing;
    bool is_over;       /* connection_lost has returned, or will never come */
    unsigned n_lost;    /* not 0: connection_lost is due; and one for each write since then */
    unsigned n_ignored; /* to a pipe: writes that came too late, or failed */
    int lost_code;      /* what it will be told */
    int fd;             /* owned; -1 once it is over */
    weft_loop *loop;    /* held */
    struct wf_io *io;   /* borrowed: NULL once the loop is closed */
    struct wf_watch watch;
    weft_protocol protocol;        /* a copy: NULL where the user's has nothing */
    const weft_protocol *original; /* borrowed: the user's; NULL: none yet, or over */
    void *data;
    struct wf_outbox outbox;
    size_t high;
    size_t low;
    struct wf_work make_work; /* the factory, then connection_made */
    struct wf_work read_work;
    struct wf_work write_work;
    struct wf_work lost_work;
    struct wf_wait *made_wait;         /* borrowed: of the task that makes it, or NULL */
    struct wf_wait *room_wait;         /* borrowed: of the task that sends a file, or NULL */
    weft_future *file_read;            /* ref: what that task waits for in the executor, or NULL */
    struct wf_client client;           /* of a server, or unlinked */
    struct wf_vars *vars;              /* ref: context variables of its callbacks */
    struct wf_vars *lost_vars;         /* ref: of connection_lost: those of whoever closed */
    weft_protocol_factory_fn *factory; /* until it was called */
    void *arg;
    const weft_origin *origin; /* static */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_list link;          /* in the slot */
    struct wf_peer peer;
};

/* ---- life (transport.c) ------------------------------------------------- */

/* The check with which every entry point begins: the object and its loop. */
int wf_transport_check_slowly(const weft_transport *transport);
static inline int wf_transport_check(const weft_transport *transport)
{
    return __builtin_expect(transport != NULL && transport->magic == WF_TRANSPORT_MAGIC &&
                                wf_loop_is_mine(transport->loop),
                            1)
               ? 0
               : wf_transport_check_slowly(transport);
}

/*
 * One for a connected, non-blocking socket, without a protocol yet; it stands in the slot.
 * WEFT_ENOMEM, codes of epoll_ctl; on failure <fd> stays the caller's.
 */
int wf_transport_create(const weft_origin *origin, struct wf_io *io, int fd,
                        const struct wf_address *peer, const weft_stream_options *options,
                        weft_transport **out_transport);
/* Bytes that its socket has given or taken count for its server. */
static inline void wf_transport_note_read(const weft_transport *transport, size_t n)
{
    if (transport->client.server != NULL) {
        transport->client.server->traffic.n_read += n;
    }
}
static inline void wf_transport_note_written(const weft_transport *transport, size_t n)
{
    if (transport->client.server != NULL) {
        transport->client.server->traffic.n_written += n;
    }
}

/* It is a client of <server>. */
void wf_transport_join(weft_transport *transport, weft_server *server);
/* Undo that, for one that no user has seen. The descriptor is closed when <closes>. */
void wf_transport_give_up(weft_transport *transport, bool closes);
/* Give it the protocol that its factory makes. The factory's code, WEFT_EINVAL. */
int wf_transport_make_protocol(weft_transport *transport);
/* connection_made in the next turn, then reading. */
void wf_transport_start(weft_transport *transport);

/*
 * A user's callback begins and ends: what is between the two has a frame of its own, and the
 * context variables of *<vars>, in which it leaves what it has set.
 */
struct wf_transport_call {
    struct wf_frame frame;
    struct wf_frame *outer;
    struct wf_vars **vars;
};
void wf_transport_enter(struct wf_transport_call *call, struct wf_vars **vars);
void wf_transport_leave(struct wf_transport_call *call);

/* Something broke: reported, unless it is the system's, and the connection is lost. */
void wf_transport_fail(weft_transport *transport, int code, const char *message);
/* The same without a report, also for what is queued: asyncio's _force_close. */
void wf_transport_lose(weft_transport *transport, int code);
/* All is sent and it closes: connection_lost now. */
void wf_transport_finish(weft_transport *transport);
/* A callback failed where that is not fatal: a report like that of a plain callback. */
void wf_transport_report(weft_transport *transport, const char *message, const char *subject,
                         int code);
/* Let the poller tell again what it told before: in the next poll. */
void wf_transport_ask_again(weft_transport *transport);

static inline void wf_transport_hold(weft_transport *transport)
{
    transport->n_refs++;
}
void wf_transport_let_go(weft_transport *transport);
/* The same for a task that is to wait inside a call: the loop's end lets go for it. */
void wf_transport_go_inside(weft_transport *transport);
void wf_transport_come_out(weft_transport *transport);

/* "TCP transport fd=7 peer=127.0.0.1:4711 open" */
void wf_transport_describe(const weft_transport *transport, char *buffer, size_t size);

/* The loop closes. */
void wf_transports_close_all(struct wf_io *io);

/* ---- reading and writing ------------------------------------------------ */

void wf_transport_on_read(struct wf_work *work);
void wf_transport_on_write(struct wf_work *work);

/* To a pipe, the reader's going is what there is to read, also while the queue is sent. */
static inline bool wf_transport_may_read(const weft_transport *transport)
{
    if (__builtin_expect(transport->kind == WF_TRANSPORT_WRITE_PIPE, 0)) {
        return transport->is_made && transport->is_peer_watched && transport->n_lost == 0;
    }
    return transport->is_made && !transport->is_reading_paused && !transport->is_closing &&
           !transport->is_at_end;
}

/* What it missed while it did not read comes in the next poll. */
void wf_transport_read_on(weft_transport *transport);

/*
 * Wait, in a task, until the queue becomes empty or there is room in the socket, whichever is
 * next: the caller looks again. WEFT_ECANCELED; WEFT_ECLOSED, or what broke it, when it is lost.
 */
int wf_transport_wait_for_room(weft_transport *transport);
/* Who waits so goes on, with <code>. */
void wf_transport_wake_room(weft_transport *transport, int code);

/* What the task that sends a file writes; nobody is told to pause. As weft_transport_write. */
int wf_transport_write_file_piece(weft_transport *transport, const void *data, size_t size);

/* ---- making (transport_make.c) ------------------------------------------ */

/* A server's newcomer: takes <fd>, also on failure. */
int wf_transport_serve(weft_server *server, int fd, const struct wf_address *peer);

#endif
