#ifndef WEFT_DAEMON_MODULES_HTTP_HANDLERS_H
#define WEFT_DAEMON_MODULES_HTTP_HANDLERS_H

/*
 * The pages of the http service, without the module around them, so that the
 * benchmarks measure the code that weftd runs.
 *
 *     /                       what there is
 *     /plaintext              Hello, World!
 *     /executor?ms=N          N ms of blocking work in the shared executor
 *     /threadsafe?loop=N      a coroutine on loop N, awaited from here
 *     /timeout?ms=N&work=M    work of M ms, cut off after N ms: 504 "timed out"
 */

#include "weft/executor.h"
#include "weft/http.h"

/* What the pages need of their surroundings. */
struct http_context {
    weft_executor *executor; /* borrowed; NULL: the default one of the loop */
};

/** A weft_http_handler_fn; <data> is a struct http_context, NULL: all defaults. */
int http_handle(weft_http_request *request, weft_http_response *response, void *data);

/** What /plaintext answers. Thread: loop thread. Owns: borrows <response>. */
int http_answer_plaintext(weft_http_response *response);

#endif
