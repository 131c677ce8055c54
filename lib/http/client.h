#ifndef WF_HTTP_CLIENT_H
#define WF_HTTP_CLIENT_H

/*
 * What the parts of a client share:
 *
 *     client.c   the client, and the connections that it keeps
 *     call.c     one request on its way out
 *     reply.c    its answer on the way in
 */

#include "buffer.h"

#include "weft/http_client.h"
#include "weft/loop.h"
#include "weft/stream.h"

#include <llhttp.h>
#include <stdbool.h>

/* A connection to a server: used by one call, or kept. */
struct wf_http_link {
    weft_stream *stream; /* owned */
    struct wf_http_link *next;
    weft_time idle_since;
    bool is_used;  /* it has carried an answer */
    char origin[]; /* as the call wrote it */
};

struct weft_http_client {
    uint32_t magic;
    unsigned n_refs; /* the owner's and one per reply */
    weft_loop *loop; /* borrowed: only to be compared */
    weft_http_client_options options;
    struct wf_http_link *idle; /* owned, the last used first */
    size_t n_idle;
    weft_handle *sweeper; /* closes what was idle for too long; NULL while nothing is kept */
    bool is_closed;       /* the owner has gone: nothing is kept any more */
};

/* ---- client.c ---- */

/* A connection to <origin>, kept or new. Errors: as weft_http_client_call. */
int wf_http_client_connect(weft_http_client *client, const char *origin, bool may_be_used,
                           struct wf_http_link **out_link);
/* Keep it for another call. */
void wf_http_client_keep(weft_http_client *client, struct wf_http_link *link);
void wf_http_link_close(struct wf_http_link *link);
void wf_http_client_unref(weft_http_client *client);

/* What <origin> means; the texts lie in it. */
struct wf_http_origin {
    const char *path; /* of a unix socket; else NULL */
    char host[256];
    int port;
};
/* WEFT_EINVAL, with a message. */
int wf_http_origin_parse(const char *origin, struct wf_http_origin *out);

/* ---- call.c ---- */

/* Check <call> and make its head. Errors: WEFT_EINVAL, WEFT_ENOMEM. */
int wf_http_call_put_head(const weft_http_call *call, struct wf_http_buffer *out);
/* Send head and body. Errors: as weft_http_client_call. */
int wf_http_call_send(const weft_http_call *call, struct wf_http_link *link,
                      const struct wf_http_buffer *head);

/* ---- reply.c ---- */

/*
 * Wait for the head of the answer over <link>, which the reply takes. *out_is_untouched: nothing of
 * an answer came, so that the request may be sent again. <link> stays the caller's on failure.
 */
int wf_http_reply_create(weft_http_client *client, struct wf_http_link *link, bool is_head,
                         weft_http_reply **out_reply, bool *out_is_untouched);

#endif
