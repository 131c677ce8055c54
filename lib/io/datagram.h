#ifndef WF_IO_DATAGRAM_H
#define WF_IO_DATAGRAM_H

/*
 * The inside of an endpoint of datagrams: one socket, and either a protocol that
 * is called or tasks that wait.
 *
 * Two files: datagram.c is its life, datagram_message.c sends and receives.
 * datagram_make.c makes the socket.
 *
 * The runtime holds one reference from the making until it is over. The memory
 * goes with the last reference, once no task is inside a call.
 *
 * Thread: the loop's.
 */

#include "base/frame.h"
#include "io/address.h"
#include "io/io.h"
#include "task/task.h"
#include "weft/datagram.h"

#define WF_DATAGRAM_MAGIC 0x77664467u

/* What one datagram in the queue counts beyond its bytes, as with CPython. */
enum {
    WF_DATAGRAM_HEADER = 8
};

/* A datagram that waits to be sent. */
struct wf_packet {
    struct wf_packet *next; /* owned */
    struct wf_address to;   /* len 0: the socket is connected */
    size_t size;
    char data[];
};

struct weft_datagram_transport {
    uint32_t magic;
    uint32_t n_refs;
    uint16_t n_busy;        /* tasks inside a call that waits */
    bool has_protocol;      /* the form that calls back */
    bool is_made;           /* connection_made was called: it may read */
    bool is_connected;      /* the socket itself knows its peer */
    bool is_readable;       /* without a protocol: the last edge is not used up */
    bool is_receiving;      /* a task is inside recvfrom */
    bool is_writing_paused; /* the queue rose above high and is not back at low */
    bool is_closing;
    bool is_over;     /* the socket is closed, connection_lost has returned */
    unsigned n_lost;  /* not 0: connection_lost is due; and one for each send since then */
    int lost_code;    /* what it will be told */
    int send_code;    /* without a protocol: of a queued datagram, not told yet */
    int fd;           /* owned; -1 once it is over */
    int batch;        /* datagrams in a turn */
    weft_loop *loop;  /* held */
    struct wf_io *io; /* borrowed: NULL once the loop is closed */
    struct wf_watch watch;
    weft_datagram_protocol protocol; /* a copy: NULL where the user's has nothing */
    void *data;
    struct wf_address remote; /* where all goes; len 0: anywhere */
    struct wf_packet *first;  /* owned: the queue */
    struct wf_packet *last;
    size_t queued; /* bytes in it, with headers */
    size_t high;
    size_t low;
    char *buffer;       /* owned: for <batch> datagrams; NULL: the loop's view does */
    size_t buffer_size; /* of one datagram */
    struct wf_work make_work;
    struct wf_work read_work;
    struct wf_work write_work;
    struct wf_work lost_work;
    struct wf_timer retry; /* where the kernel tells nothing of room */
    struct wf_wait *maker; /* borrowed: the task that makes it, or NULL */
    struct wf_wait *reader;
    struct wf_wait *drainer;
    const weft_origin *origin; /* static */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_io_member member;
};

/* ---- life (datagram.c) -------------------------------------------------- */

/* The check with which every entry point begins: the object and its loop. */
int wf_datagram_check(const weft_datagram_transport *transport);

/* Read what the caller set of <options>, defaults for the rest. WEFT_EINVAL. */
int wf_datagram_read_options(const weft_datagram_options *options,
                             weft_datagram_options *out_options);

/*
 * An endpoint for a non-blocking datagram socket, without a protocol. Takes <fd> on success.
 * <remote> may be NULL. WEFT_ENOMEM, codes of epoll_ctl.
 */
int wf_datagram_create(const weft_origin *origin, struct wf_io *io, int fd,
                       const struct wf_address *remote, const weft_datagram_options *options,
                       bool has_protocol, weft_datagram_transport **out_transport);
/* The factory makes its protocol. The factory's code, WEFT_EINVAL. */
int wf_datagram_make_protocol(weft_datagram_transport *transport,
                              weft_datagram_protocol_factory_fn *factory, void *arg);
/* Undo the making, for one that no user has seen; <fd> goes back to the caller. */
void wf_datagram_give_up(weft_datagram_transport *transport);
/* connection_made in the next turn; wait until it has returned. A cancelled task closes it. */
int wf_datagram_start(weft_datagram_transport *transport);

/* A user's callback begins and ends: what is between the two has a frame of its own. */
struct wf_datagram_call {
    struct wf_frame frame;
    struct wf_frame *outer;
};
void wf_datagram_enter(weft_datagram_transport *transport, struct wf_datagram_call *call);
/* Reports <code> of the callback <name>. The transport may be gone afterwards. */
void wf_datagram_leave(weft_datagram_transport *transport, struct wf_datagram_call *call,
                       const char *name, int code);

/* Let the poller tell what is wanted now. */
void wf_datagram_arm(weft_datagram_transport *transport);
/* All is sent and it closes: connection_lost now. */
void wf_datagram_finish(weft_datagram_transport *transport);

static inline void wf_datagram_wake(struct wf_wait **place, int code)
{
    struct wf_wait *wait = *place;

    if (wait != NULL) {
        *place = NULL;
        wf_wait_wake(wait, code);
    }
}

/* Suspend at <place>, one of the three; the memory is there until the task suspends again. */
int wf_datagram_wait(weft_datagram_transport *transport, struct wf_wait **place, const char *what);

/* A task that counted itself in n_busy is done: the memory may go. */
void wf_datagram_leave_task(weft_datagram_transport *transport);

/* ---- messages (datagram_message.c) -------------------------------------- */

void wf_datagram_on_read(struct wf_work *work);
void wf_datagram_on_write(struct wf_work *work);
void wf_datagram_drop_queue(weft_datagram_transport *transport);

#endif
