#ifndef WF_HTTP_STREAMING_H
#define WF_HTTP_STREAMING_H

/*
 * Bodies that are read and sent piece by piece while the handler runs.
 */

#include "server.h"

/* Whether the connection ends with the present answer. */
bool wf_http_ends_with_answer(const struct wf_http_connection *connection);
/* The head of the present answer. Errors: as wf_http_response_put_head. */
int wf_http_put_head(struct wf_http_connection *connection, enum wf_http_framing framing,
                     uint64_t length, bool close, size_t room);
/* Whether the present request wants no body in its answer. */
bool wf_http_is_head(const weft_http_request *request);

/* The handler has returned: the end of an answer that was begun by a send. */
int wf_http_response_end(struct wf_http_connection *connection);
/* What lies there of a body that the handler did not read; whether that was the rest. */
bool wf_http_request_skip_body(weft_http_request *request);

#endif
