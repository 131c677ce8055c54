/*
 * One request passed on, and its answer passed back: a reverse proxy's work.
 *
 * What belongs to one connection stays on it: the framing is made anew on both
 * sides, so that nothing that the client writes into its headers decides where a
 * request ends on the other side.
 *
 * Thread: the handler's task.
 */

#include "exchange.h"

#include "weft/http_client.h"

#include "weft/alloc.h"
#include "weft/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PIECE = 16 * 1024, /* of an answer */
    N_OWN = 2,         /* headers that we add */
    PEER_SIZE = 256
};

/* ---- headers of one connection ---------------------------------------------------- */

/* Whether the list <names> of a Connection header has <name>. */
static bool is_listed(const char *names, const char *name)
{
    size_t len = strlen(name);

    while (names != NULL && *names != '\0') {
        names += strspn(names, " \t,");
        if (strncasecmp(names, name, len) == 0 && strchr(" \t,", names[len]) != NULL) {
            return true;
        }
        names += strcspn(names, ",");
    }
    return false;
}

static bool stays_here(const char *name, const char *connection)
{
    static const char *const names[] = {
        "Connection",
        "Content-Length",
        "Expect",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return is_listed(connection, name);
}

/* ---- there -------------------------------------------------------------------------- */

/* What is passed on, and the memory for it. */
struct passed {
    weft_http_call call;
    weft_http_field *fields; /* owned */
    char *target;            /* owned */
    char *forwarded;         /* owned */
};

static void release(struct passed *passed)
{
    weft_free(passed->fields);
    weft_free(passed->target);
    weft_free(passed->forwarded);
}

/* "<before>, PEER": the address of the client, without its port. */
static char *make_forwarded(const weft_http_request *request)
{
    const char *before = weft_http_request_get_header(request, "X-Forwarded-For");
    char peer[PEER_SIZE] = "";

    if (weft_stream_get_peername(weft_http_request_get_stream(request), peer, sizeof peer) < 0) {
        (void)snprintf(peer, sizeof peer, "unknown"); /* it has gone */
    }
    bool is_unix = strncmp(peer, "unix:", 5) == 0;
    char *colon = is_unix ? strchr(peer, ':') : strrchr(peer, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    size_t size = (before == NULL ? 0 : strlen(before)) + strlen(peer) + 3;
    char *all = weft_malloc(size);
    if (all != NULL) {
        (void)snprintf(all, size, "%s%s%s", before == NULL ? "" : before,
                       before == NULL ? "" : ", ", peer);
    }
    return all;
}

static char *make_target(const weft_http_request *request)
{
    const char *path = weft_http_request_get_path(request);
    const char *query = weft_http_request_get_query_string(request);
    size_t size = strlen(path) + strlen(query) + 2;
    char *target = weft_malloc(size);

    if (target != NULL) {
        (void)snprintf(target, size, "%s%s%s", path, query[0] == '\0' ? "" : "?", query);
    }
    return target;
}

/* A weft_http_body_fn. */
static int read_on(void *data, void *buffer, size_t size, size_t *out_n)
{
    return weft_http_request_read(data, buffer, size, out_n);
}

static void pass_body(weft_http_request *request, weft_http_call *call)
{
    const char *length = weft_http_request_get_header(request, "Content-Length");

    if (length == NULL && weft_http_request_get_header(request, "Transfer-Encoding") == NULL) {
        return;
    }
    call->read_body = read_on;
    call->data = request;
    call->body_length = length == NULL ? -1 : (int64_t)strtoll(length, NULL, 10); /* was checked */
    if (call->body_length == 0) {
        call->read_body = NULL;
    }
}

static int pass_fields(const weft_http_request *request, struct passed *passed)
{
    const char *connection = weft_http_request_get_header(request, "Connection");
    size_t n = weft_http_request_get_n_headers(request);
    size_t n_passed = 0;

    passed->fields = weft_malloc((n + N_OWN) * sizeof *passed->fields);
    if (passed->fields == NULL) {
        return WEFT_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        weft_http_field field;
        WEFT_TRY(weft_http_request_get_header_at(request, i, &field.name, &field.value));
        if (!stays_here(field.name, connection) && strcasecmp(field.name, "X-Forwarded-For") != 0) {
            passed->fields[n_passed++] = field;
        }
    }
    passed->fields[n_passed++] = (weft_http_field){ "X-Forwarded-For", passed->forwarded };
    passed->fields[n_passed++] = (weft_http_field){ "Via", "1.1 weft" };
    passed->call.fields = passed->fields;
    passed->call.n_fields = n_passed;
    return 0;
}

static int prepare(weft_http_request *request, const char *origin, struct passed *passed)
{
    passed->target = make_target(request);
    passed->forwarded = make_forwarded(request);
    if (passed->target == NULL || passed->forwarded == NULL) {
        return WEFT_ENOMEM;
    }
    passed->call.method = weft_http_request_get_method(request);
    passed->call.origin = origin;
    passed->call.target = passed->target;
    pass_body(request, &passed->call);
    return pass_fields(request, passed);
}

/* ---- and back ------------------------------------------------------------------------- */

static int pass_head(const weft_http_reply *reply, weft_http_response *response)
{
    const char *connection = weft_http_reply_get_header(reply, "Connection");
    int64_t length = weft_http_reply_get_length(reply);

    for (size_t i = 0; i < weft_http_reply_get_n_headers(reply); i++) {
        weft_http_field field;
        WEFT_TRY(weft_http_reply_get_header_at(reply, i, &field));
        if (!stays_here(field.name, connection) && strcasecmp(field.name, "Date") != 0) {
            WEFT_TRY(weft_http_response_add_header(response, field.name, field.value));
        }
    }
    WEFT_TRY(weft_http_response_set_status(response, weft_http_reply_get_status(reply)));
    return length < 0 ? 0 : weft_http_response_set_length(response, (uint64_t)length);
}

static int pass_answer(weft_http_reply *reply, weft_http_response *response)
{
    char piece[PIECE];
    size_t n = 0;

    WEFT_TRY(pass_head(reply, response));
    do {
        WEFT_TRY(weft_http_reply_read(reply, piece, sizeof piece, &n));
        WEFT_TRY(weft_http_response_send(response, piece, n));
    } while (n > 0);
    return 0;
}

int weft_http_forward(weft_http_client *client, const char *origin, weft_http_request *request,
                      weft_http_response *response)
{
    struct passed passed = { .call = WEFT_HTTP_CALL_INIT };
    weft_http_reply *reply = NULL;

    if (client == NULL || origin == NULL || request == NULL || response == NULL) {
        return weft_fail(WEFT_EINVAL, "no client, no origin, no request or no response");
    }
    int r = prepare(request, origin, &passed);
    r = r < 0 ? r : weft_http_client_call(client, &passed.call, &reply);
    release(&passed);
    WEFT_TRY(r);
    r = pass_answer(reply, response);
    weft_http_reply_destroy(reply);
    if (r < 0 && !response->is_begun) {
        wf_http_response_begin(response); /* what it said of the head is void */
    }
    return r;
}
