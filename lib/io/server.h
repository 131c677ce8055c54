#ifndef WF_IO_SERVER_H
#define WF_IO_SERVER_H

/*
 * The inside of a server: its listeners, its connections, and who waits for
 * their end.
 *
 * Three files: server.c is its life, accept.c takes newcomers, connection.c
 * runs the handler of one of them and cleans up behind it. A server of callback
 * protocols differs in one thing: its clients are transports (transport_make.c).
 *
 * The memory goes when the server is released by its user and its last
 * connection has ended.
 *
 * Thread: the loop's.
 */

#include "base/context.h"
#include "io/listen.h"
#include "io/stream.h"
#include "weft/server.h"
#include "weft/transport.h"

#define WF_SERVER_MAGIC 0x77665376u

/* How accepting goes. */
enum wf_accepting {
    WF_ACCEPTING,        /* newcomers are taken as they come */
    WF_ACCEPTING_LATER,  /* bound, but not started */
    WF_ACCEPTING_PAUSED, /* an error that lasts: the timer tries again */
    WF_ACCEPTING_ENDED   /* closed */
};

/* One that is served: part of a struct wf_connection or of a transport. */
struct wf_client;
struct wf_client_ops {
    /* Both only ask: the client leaves the list later. */
    void (*close)(struct wf_client *client);
    void (*abort)(struct wf_client *client);
    /* The loop closes: leave the list, forget the server. */
    void (*abandon)(struct wf_client *client);
};
struct wf_client {
    struct wf_list link; /* in server->clients */
    weft_server *server; /* borrowed: stays while it has clients */
    const struct wf_client_ops *ops;
};

/* What a server does with a newcomer. */
struct wf_service {
    /* Serve <fd>. Takes the descriptor, also on failure. */
    int (*start)(weft_server *server, int fd, const struct wf_address *peer);
    weft_client_connected_fn *fn; /* the one or the other */
    weft_protocol_factory_fn *factory;
    void *data; /* borrowed: the user's */
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
    struct wf_service service;
    struct wf_vars *vars; /* ref: context variables, as they were when it was made */
    const weft_origin *origin;
    weft_server_options options;
    char *name;                    /* owned; of the connections' tasks, or NULL */
    struct wf_listener *listeners; /* owned */
    size_t n_listeners;
    size_t next_listener; /* whose turn it is */
    struct wf_socket_file file;
    struct wf_list clients;  /* of struct wf_client.link */
    struct wf_list waits;    /* of struct wf_server_wait.link: wait_closed */
    struct wf_wait *forever; /* borrowed: serve_forever's, or NULL */
    bool is_forever;         /* a task is inside serve_forever */
    uint16_t n_inside;       /* calls on the way, that need the memory */
    struct wf_work accept_work;
    struct wf_timer pause;
    unsigned n_pauses;        /* in a row, without a client taken */
    weft_time next_report_at; /* of accept errors */
    weft_server_stats stats;
    struct wf_traffic traffic; /* of its connections */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_list link;          /* in the slot */
};

struct wf_connection {
    weft_stream stream; /* first: the stream's memory is the connection's */
    struct wf_client client;
    weft_task *task; /* ref; NULL once the body is at its end */
    bool is_started; /* the body owns it now */
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

/* The start of a service: a task that runs its function on a stream. */
int wf_connection_start(weft_server *server, int fd, const struct wf_address *peer);

/* ---- server.c ----------------------------------------------------------- */

/* The three kinds of making; <loop> may be NULL. As in weft/server.h. */
int wf_server_start(const weft_origin *origin, weft_loop *loop, const struct wf_service *service,
                    const char *host, int port, const weft_server_options *options,
                    weft_server **out_server);
int wf_server_start_unix(const weft_origin *origin, weft_loop *loop,
                         const struct wf_service *service, const char *path,
                         const weft_server_options *options, weft_server **out_server);
int wf_server_start_fds(const weft_origin *origin, weft_loop *loop,
                        const struct wf_service *service, const int *fds, size_t n,
                        const weft_server_options *options, weft_server **out_server);

/* A client comes; it goes: there may be room, the server may be done, its memory may go. */
void wf_server_add_client(weft_server *server, struct wf_client *client,
                          const struct wf_client_ops *ops);
/* <client> has left the list. */
void wf_server_on_client_end(weft_server *server);
/* Free it when nothing needs it any more. */
void wf_server_maybe_free(weft_server *server);

/* The loop closes. */
void wf_servers_close_all(struct wf_io *io);

#endif
