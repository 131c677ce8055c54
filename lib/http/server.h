#ifndef WF_HTTP_SERVER_H
#define WF_HTTP_SERVER_H

/*
 * What the connections of one server share, and what one connection is.
 */

#include "exchange.h"

#include "weft/loop.h"
#include "weft/task.h"

#include <time.h>

struct wf_http_connection {
    weft_http_server *server;          /* ref */
    weft_stream *stream;               /* borrowed */
    weft_task *task;                   /* borrowed: the one that serves */
    struct wf_http_exchange *exchange; /* lent; NULL while idle */
    struct wf_http_connection *next;
    struct wf_http_connection **link; /* what points here */

    /* One timer, set anew only when the deadline comes nearer. */
    weft_handle *timer;
    weft_time timer_when;
    weft_time deadline; /* of the present wait; WEFT_FOREVER: none */
    bool is_expired;    /* the deadline has cancelled the task */
    bool was_cut;       /* the limit of the whole request ended the handler */

    weft_time phase_deadline;   /* of head or body; 0: not set yet */
    weft_time total_deadline;   /* of the request; 0: not set yet */
    weft_time handler_deadline; /* the same while its handler runs; else WEFT_FOREVER */
    weft_handle *flusher;       /* sends what is gathered if the handler waits */
    uint64_t n_requests;
    bool is_idle;
    bool lingers; /* the client may still send */
};

struct weft_http_server {
    uint32_t magic;
    unsigned n_refs; /* the owner's and one per connection */
    weft_loop *loop; /* borrowed: only to be compared */
    weft_http_options options;
    weft_http_handler_fn *handler;
    void *data;
    struct wf_http_connection *connections;
    struct wf_http_exchange *spare;
    size_t n_spare;
    bool is_draining;
    weft_time drain_deadline; /* of idle connections */
    uint64_t n_requests;
    uint64_t n_refused;
    time_t date_second;
    char date[48]; /* a whole header line */
    size_t date_len;
};

/* Whether <server> is one, and this is its thread. Errors: WEFT_EINVAL, WEFT_EWRONGTHREAD. */
int wf_http_server_check(const weft_http_server *server);
/* Take an exchange with empty buffers; NULL without memory. */
struct wf_http_exchange *wf_http_server_take(weft_http_server *server);
void wf_http_server_give_back(weft_http_server *server, struct wf_http_exchange *exchange);
/* The Date header of this second. */
const char *wf_http_server_date(weft_http_server *server);
void wf_http_server_unref(weft_http_server *server);

#endif
