#ifndef WF_IO_SERVER_H
#define WF_IO_SERVER_H

/*
 * The inside of a server: its listeners, its connections, and who waits for
 * their end.
 *
 * Three files: server.c is its life, accept.c takes newcomers, connection.c
 * runs the handler of one of them and cleans up behind it.
 *
 * The memory goes when the server is released by its user and its last
 * connection has ended.
 *
 * Thread: the loop's.
 */

#include "io/listen.h"
#include "io/stream.h"
#include "weft/server.h"

#define WF_SERVER_MAGIC 0x77665376u

/* How accepting goes. */
enum wf_accepting {
    WF_ACCEPTING,        /* newcomers are taken as they come */
    WF_ACCEPTING_PAUSED, /* an error that lasts: the timer tries again */
    WF_ACCEPTING_ENDED   /* closed */
};

struct wf_listener {
    struct wf_watch watch;
    weft_server *server; /* borrowed: it holds this */
    int fd;              /* owned if is_owned; -1 once closed */
    bool is_owned;
    bool is_ready; /* the last edge is not used up */
};

struct weft_server {
    uint32_t magic;
    uint8_t accepting; /* enum wf_accepting */
    bool is_released;
    bool is_short;    /* paused because there are no descriptors */
    weft_loop *loop;  /* held */
    struct wf_io *io; /* borrowed: NULL once the loop is closed */
    weft_client_connected_fn *fn;
    void *data; /* borrowed: the user's */
    const weft_origin *origin;
    weft_server_options options;
    char *name;                    /* owned; of the connections' tasks, or NULL */
    struct wf_listener *listeners; /* owned */
    size_t n_listeners;
    size_t next_listener; /* whose turn it is */
    struct wf_socket_file file;
    struct wf_list connections; /* of struct wf_connection.link */
    struct wf_list waits;       /* of struct wf_server_wait.link: wait_closed */
    struct wf_wait *forever;    /* borrowed: serve_forever's, or NULL */
    bool is_forever;            /* a task is inside serve_forever */
    uint16_t n_inside;          /* calls on the way, that need the memory */
    struct wf_work accept_work;
    struct wf_timer pause;
    unsigned n_pauses;        /* in a row, without a client taken */
    weft_time next_report_at; /* of accept errors */
    weft_server_stats stats;
    weft_time created_at;
    struct wf_list link; /* in the slot */
};

struct wf_connection {
    weft_stream stream; /* first: the stream's memory is the connection's */
    struct wf_list link;
    weft_server *server; /* borrowed: stays while it has connections */
    weft_task *task;     /* ref; NULL once the body is at its end */
    bool is_started;     /* the body owns it now */
};

/* ---- accept.c ----------------------------------------------------------- */

/* A listener may have something: see to it in the next turn, unless that must wait. */
void wf_server_schedule_accept(weft_server *server);
/* The poller's callback of a listener. */
void wf_listener_on_ready(struct wf_watch *watch, uint32_t events);
/* The two that run in a turn. */
void wf_server_on_accept(struct wf_work *work);
void wf_server_on_pause_end(struct wf_work *work);
/* A connection ended: there may be room again. */
void wf_server_on_room(weft_server *server);
/* Keep a descriptor in reserve, if one is to be had. */
void wf_io_keep_reserve(struct wf_io *io);

/* ---- connection.c ------------------------------------------------------- */

/* Serve <fd> as a task. Takes the descriptor, also on failure. */
int wf_connection_start(weft_server *server, int fd, const struct wf_address *peer);
/* The loop closes: nobody comes back to the connection. */
void wf_connection_abandon(struct wf_connection *connection);

/* ---- server.c ----------------------------------------------------------- */

/* A connection is gone: there may be room, the server may be done, its memory may go. */
void wf_server_on_connection_end(weft_server *server);
/* Free it when nothing needs it any more. */
void wf_server_maybe_free(weft_server *server);

/* The loop closes. */
void wf_servers_close_all(struct wf_io *io);

#endif
