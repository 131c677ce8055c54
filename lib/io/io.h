#ifndef WF_IO_IO_H
#define WF_IO_IO_H

/*
 * What this floor keeps per loop, in the loop's slot: every stream, transport and
 * server there is, the read buffer that is lent, a few spare buffers, the executor for
 * names, the reserve descriptor. Made at the first use; closed with the loop,
 * which is when what nobody closed is reported.
 *
 * Thread: the loop's.
 */

#include "base/list.h"
#include "io/stdio.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct weft_executor;
struct weft_stream;

/* The seam through which servers accept: accept4(2), or what a test puts there. */
typedef int wf_accept_fn(int fd, struct sockaddr *address, socklen_t *len, int flags);

/* The seam through which names are looked up: getaddrinfo(3), or what a test puts there. */
struct addrinfo;
typedef int wf_resolve_fn(const char *host, const char *service, const struct addrinfo *hints,
                          struct addrinfo **out_list);

/* What one read takes at most, and what one spare buffer holds. */
enum {
    WF_IO_VIEW_SIZE = 65536,
    WF_IO_SPARE_SIZE = 16384,
    WF_IO_N_SPARES = 8
};

/*
 * What else of a loop has to be closed with it: endpoints of datagrams, files, watches. It stands
 * in the object; <close> takes it out of the list, reports, and runs no user code.
 */
struct wf_io_member {
    struct wf_list link;
    void (*close)(struct wf_io_member *member);
};

/* Bytes that went through; of the connections of a server together, or of all the rest of a loop.
 */
struct wf_traffic {
    uint64_t n_read;
    uint64_t n_written;
};

struct wf_io {
    weft_loop *loop;              /* borrowed: it holds this */
    struct wf_list streams;       /* of weft_stream.link: all there are */
    struct wf_list servers;       /* of weft_server.link: all there are */
    struct wf_list connects;      /* of struct connecting.link: those under way */
    struct wf_list socket_waits;  /* of struct socket_wait.link: tasks inside sock_ calls */
    struct wf_list processes;     /* of weft_process.link: all there are */
    struct wf_list members;       /* of struct wf_io_member.link */
    struct wf_list transports;    /* of weft_transport.link: all that are not over */
    char *view;                   /* owned: lent to whoever reads, NULL until used */
    struct weft_stream *viewer;   /* borrowed: whose bytes are in <view>, until it is freed */
    size_t view_len;              /* how many */
    char *piece;                  /* owned: what transports read to, NULL until used */
    void *spares[WF_IO_N_SPARES]; /* owned */
    size_t n_spares;
    struct weft_executor *names; /* ref: looks host names up, NULL until used */
    wf_resolve_fn *resolve;
    struct weft_executor *starter; /* ref: its one thread starts processes, NULL until used */
    struct wf_stdio stdio;
    struct weft_executor *files; /* ref: calls of the file system, NULL until used */
    wf_accept_fn *accept;
    struct wf_traffic traffic; /* of streams that no server owns */
    int reserve;               /* owned: given up for a moment to shed a client; -1: none */
};

/* The slot of <loop>, made at the first use. WEFT_ENOMEM. */
int wf_io_get(weft_loop *loop, struct wf_io **out_io);

/* The read buffer that is lent, of WF_IO_VIEW_SIZE. NULL without memory. */
char *wf_io_make_view(struct wf_io *io);
static inline char *wf_io_get_view(struct wf_io *io)
{
    return __builtin_expect(io->view != NULL, 1) ? io->view : wf_io_make_view(io);
}

/* The loop closes: nobody comes back to the sock_ calls (socket.c). */
void wf_socket_waits_close_all(struct wf_io *io);

/* A buffer of WF_IO_SPARE_SIZE, mostly without an allocation. NULL without memory. */
void *wf_io_take_spare(struct wf_io *io);
void wf_io_give_spare(struct wf_io *io, void *spare);

/*
 * Report that <description> was never closed: asyncio's ResourceWarning. <what> is "transport" or
 * "file"; it stands since <created_at>, made at <origin>, or more exactly at <creation> (or NULL).
 */
void wf_io_report_unclosed(weft_loop *loop, const char *what, const char *description,
                           weft_time created_at, const weft_origin *origin,
                           const struct wf_creation *creation);

#endif
