/*
 * A client: which server is meant, and the connections that are kept for it.
 *
 * Kept connections stand in one short list, the last used first: it is the least
 * likely to have been closed by its server meanwhile. Before one is used again it is
 * looked at; bytes or an end that nobody asked for make it useless.
 *
 * Thread: one loop's.
 */

#include "client.h"

#include "chars.h"

#include "weft/alloc.h"
#include "weft/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MAGIC = 0x7768636c,
    HTTP_PORT = 80
};

/* ---- origins ---------------------------------------------------------------------- */

static int refuse_origin(const char *origin)
{
    return weft_fail(WEFT_EINVAL, "'%s' is no HOST:PORT and no unix:PATH", origin);
}

static bool is_host(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!wf_http_is(WF_HTTP_HOST, text[i])) {
            return false;
        }
    }
    return len > 0;
}

/* The digits behind the colon; nothing at all is the port of HTTP. */
static int parse_port(const char *text)
{
    char *end;

    if (text[0] == '\0') {
        return HTTP_PORT;
    }
    if (text[0] != ':' || text[1] < '0' || text[1] > '9') {
        return -1;
    }
    errno = 0;
    unsigned long port = strtoul(text + 1, &end, 10);
    return errno == 0 && *end == '\0' && port > 0 && port <= 65535 ? (int)port : -1;
}

int wf_http_origin_parse(const char *origin, struct wf_http_origin *out)
{
    *out = (struct wf_http_origin){ NULL, "", 0 };
    if (strncmp(origin, "unix:", 5) == 0 && origin[5] != '\0') {
        out->path = origin + 5;
        return 0;
    }
    const char *begin = origin;
    const char *end = strchrnul(origin, ':');
    const char *rest = end;
    if (origin[0] == '[') {
        begin = origin + 1;
        end = strchrnul(begin, ']');
        if (*end == '\0' || strchr(begin, ':') > end) {
            return refuse_origin(origin);
        }
        rest = end + 1;
    }
    size_t len = (size_t)(end - begin);
    out->port = parse_port(rest);
    if (len >= sizeof out->host || out->port < 0 || !is_host(begin, len)) {
        return refuse_origin(origin);
    }
    memcpy(out->host, begin, len);
    out->host[len] = '\0';
    return 0;
}

/* ---- connections --------------------------------------------------------------------- */

void wf_http_link_close(struct wf_http_link *link)
{
    if (link != NULL) {
        (void)weft_stream_close(link->stream); /* nobody waits for its end */
        weft_stream_destroy(link->stream);
        weft_free(link);
    }
}

static int open_stream(const weft_http_client *client, const char *text, weft_stream **out_stream)
{
    struct wf_http_origin origin;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;

    WEFT_TRY(wf_http_origin_parse(text, &origin));
    options.connect_limit = client->options.connect_limit;
    return origin.path != NULL
               ? weft_open_unix_connection(origin.path, &options, out_stream)
               : weft_open_connection(origin.host, origin.port, &options, out_stream);
}

static int open_link(weft_http_client *client, const char *origin, struct wf_http_link **out_link)
{
    size_t size = strlen(origin) + 1;
    struct wf_http_link *link = weft_malloc(sizeof *link + size);

    if (link == NULL) {
        return WEFT_ENOMEM;
    }
    memset(link, 0, sizeof *link);
    memcpy(link->origin, origin, size);
    int r = open_stream(client, origin, &link->stream);
    if (r < 0) {
        weft_free(link);
        return r;
    }
    (void)weft_stream_set_write_limit(link->stream, client->options.body_limit);
    *out_link = link;
    return 0;
}

/* Whether the server has said nothing and not gone. */
static bool is_quiet(const struct wf_http_link *link)
{
    char byte;

    return recv(weft_stream_get_fd(link->stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EINTR);
}

/* Out of the list, or NULL. */
static struct wf_http_link *take_idle(weft_http_client *client, const char *origin)
{
    struct wf_http_link **place = &client->idle;

    while (*place != NULL) {
        struct wf_http_link *link = *place;
        if (strcmp(link->origin, origin) != 0) {
            place = &link->next;
            continue;
        }
        *place = link->next;
        client->n_idle--;
        if (is_quiet(link)) {
            return link;
        }
        wf_http_link_close(link);
    }
    return NULL;
}

int wf_http_client_connect(weft_http_client *client, const char *origin, bool may_be_used,
                           struct wf_http_link **out_link)
{
    struct wf_http_link *link = may_be_used ? take_idle(client, origin) : NULL;

    if (link != NULL) {
        *out_link = link;
        return 0;
    }
    return open_link(client, origin, out_link);
}

/* ---- keeping --------------------------------------------------------------------------- */

static int on_sweep(void *data);

static void sweep_later(weft_http_client *client)
{
    if (client->sweeper == NULL && client->n_idle > 0) {
        /* Without memory they are kept until the next one comes. */
        (void)weft_loop_call_later(NULL, client->options.idle_limit, on_sweep, client,
                                   &client->sweeper);
    }
}

/* Close all kept ones that were last used before <then>. */
static void close_idle(weft_http_client *client, weft_time then)
{
    struct wf_http_link **place = &client->idle;

    while (*place != NULL) {
        struct wf_http_link *link = *place;
        if (link->idle_since > then) {
            place = &link->next;
            continue;
        }
        *place = link->next;
        client->n_idle--;
        wf_http_link_close(link);
    }
}

static int on_sweep(void *data)
{
    weft_http_client *client = data;

    client->sweeper = weft_handle_unref(client->sweeper);
    close_idle(client, weft_loop_time(NULL) - client->options.idle_limit);
    sweep_later(client);
    return 0;
}

static void close_oldest(weft_http_client *client)
{
    struct wf_http_link **place = &client->idle;

    while ((*place)->next != NULL) {
        place = &(*place)->next;
    }
    struct wf_http_link *oldest = *place;
    *place = NULL;
    client->n_idle--;
    wf_http_link_close(oldest);
}

void wf_http_client_keep(weft_http_client *client, struct wf_http_link *link)
{
    if (client->is_closed) {
        wf_http_link_close(link);
        return;
    }
    link->is_used = true;
    link->idle_since = weft_loop_time(NULL);
    link->next = client->idle;
    client->idle = link;
    client->n_idle++;
    if (client->n_idle > client->options.max_idle) {
        close_oldest(client);
    }
    sweep_later(client);
}

/* ---- life --------------------------------------------------------------------------------- */

static bool resolve(weft_duration *value, weft_duration fallback)
{
    if (*value == 0) {
        *value = fallback;
    }
    return *value > 0;
}

int weft_http_client_create(const weft_http_client_options *options, weft_http_client **out_client)
{
    weft_http_client_options all = WEFT_HTTP_CLIENT_OPTIONS_INIT;

    if (out_client == NULL) {
        return weft_fail(WEFT_EINVAL, "there is no place for the client");
    }
    if (options != NULL) {
        if (options->size == 0 || options->size > sizeof all) {
            return weft_fail(WEFT_EINVAL,
                             "options of an unknown size; use WEFT_HTTP_CLIENT_OPTIONS_INIT");
        }
        memcpy(&all, options, options->size);
    }
    if (!resolve(&all.connect_limit, WEFT_S(10)) || !resolve(&all.head_limit, WEFT_S(30)) ||
        !resolve(&all.body_limit, WEFT_S(30)) || !resolve(&all.idle_limit, WEFT_S(30))) {
        return weft_fail(WEFT_EINVAL, "a limit is below zero");
    }
    all.max_idle = all.max_idle == 0 ? 32 : all.max_idle;
    all.max_head_size = all.max_head_size == 0 ? 64 * 1024 : all.max_head_size;
    if (weft_get_running_loop() == NULL) {
        return weft_fail(WEFT_ENOLOOP, "an HTTP client is made on the loop that it works for");
    }
    weft_http_client *client = weft_malloc(sizeof *client);
    if (client == NULL) {
        return WEFT_ENOMEM;
    }
    *client = (weft_http_client){
        .magic = MAGIC,
        .n_refs = 1,
        .loop = weft_get_running_loop(),
        .options = all,
    };
    *out_client = client;
    return 0;
}

void wf_http_client_unref(weft_http_client *client)
{
    if (--client->n_refs == 0) {
        client->magic = 0;
        weft_free(client);
    }
}

static int check(const weft_http_client *client)
{
    if (client == NULL || client->magic != MAGIC) {
        return weft_fail(WEFT_EINVAL, "this is no HTTP client");
    }
    if (weft_get_running_loop() != client->loop) {
        return weft_fail(WEFT_EWRONGTHREAD, "the HTTP client belongs to another loop");
    }
    return 0;
}

void weft_http_client_destroy(weft_http_client *client)
{
    if (client == NULL || check(client) < 0) {
        return;
    }
    client->is_closed = true;
    if (client->sweeper != NULL) {
        (void)weft_handle_cancel(client->sweeper); /* our own loop's */
        client->sweeper = weft_handle_unref(client->sweeper);
    }
    close_idle(client, WEFT_FOREVER);
    wf_http_client_unref(client);
}

/* ---- calling -------------------------------------------------------------------------------- */

static bool is_idempotent(const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(method, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* One attempt. *out_may_repeat: it met a kept connection that its server had closed. */
static int try_call(weft_http_client *client, const weft_http_call *call,
                    const struct wf_http_buffer *head, bool may_be_used,
                    weft_http_reply **out_reply, bool *out_may_repeat)
{
    struct wf_http_link *link = NULL;
    bool is_untouched = true;

    *out_may_repeat = false;
    WEFT_TRY(wf_http_client_connect(client, call->origin, may_be_used, &link));
    bool is_used = link->is_used;
    int sent = wf_http_call_send(call, link, head);
    /* A server that has heard enough answers and closes: its answer counts more than our error. */
    bool may_be_answered = sent == 0 || sent == -EPIPE || sent == -ECONNRESET;
    int r = may_be_answered ? wf_http_reply_create(client, link, strcmp(call->method, "HEAD") == 0,
                                                   out_reply, &is_untouched)
                            : sent;
    if (r < 0) {
        *out_may_repeat = may_be_answered && is_used && is_untouched && r != WEFT_ETIMEDOUT &&
                          r != WEFT_ECANCELED;
        (void)weft_stream_abort(link->stream); /* it may be in the middle of anything */
        wf_http_link_close(link);
    }
    return r < 0 && sent < 0 ? sent : r;
}

int weft_http_client_call(weft_http_client *client, const weft_http_call *call,
                          weft_http_reply **out_reply)
{
    weft_http_call all = WEFT_HTTP_CALL_INIT;
    struct wf_http_buffer head = { 0 };
    bool may_repeat = false;

    WEFT_TRY(check(client));
    if (call == NULL || out_reply == NULL || call->size == 0 || call->size > sizeof all) {
        return weft_fail(WEFT_EINVAL,
                         "no call, or one of an unknown size; use WEFT_HTTP_CALL_INIT");
    }
    memcpy(&all, call, call->size);
    all.method = all.method == NULL ? "GET" : all.method;
    all.target = all.target == NULL ? "/" : all.target;
    int r = wf_http_call_put_head(&all, &head);
    client->n_refs++; /* it may be destroyed meanwhile */
    if (r == 0) {
        r = try_call(client, &all, &head, /* may_be_used = */ true, out_reply, &may_repeat);
    }
    if (r < 0 && may_repeat && is_idempotent(all.method) && all.read_body == NULL) {
        r = try_call(client, &all, &head, /* may_be_used = */ false, out_reply, &may_repeat);
    }
    wf_http_buffer_fini(&head);
    wf_http_client_unref(client);
    return r;
}

int weft_http_get(weft_http_client *client, const char *url, weft_http_reply **out_reply)
{
    weft_http_call call = WEFT_HTTP_CALL_INIT;
    char origin[300];
    struct wf_http_buffer target = { 0 };

    if (url == NULL || strncmp(url, "http://", 7) != 0) {
        return weft_fail(WEFT_EINVAL, "'%s' is no http:// address", url == NULL ? "" : url);
    }
    url += 7;
    size_t len = strcspn(url, "/?#");
    if (len >= sizeof origin) {
        return weft_fail(WEFT_EINVAL, "the host of the address is too long");
    }
    memcpy(origin, url, len);
    origin[len] = '\0';
    url += len;
    int r = wf_http_buffer_append(&target, "/", url[0] == '/' ? 0 : 1);
    r = r < 0 ? r : wf_http_buffer_append(&target, url, strcspn(url, "#"));
    r = r < 0 ? r : wf_http_buffer_append(&target, "", 1);
    if (r == 0) {
        call.origin = origin;
        call.target = target.data;
        r = weft_http_client_call(client, &call, out_reply);
    }
    wf_http_buffer_fini(&target);
    return r;
}
