/*
 * The built-in module `proxy`: requests are passed on to servers behind it.
 *
 *     request --> the next upstream --not reached--> another one ... --> 502
 *                     | reached
 *                     v
 *                 its answer; 504 when it takes too long
 *
 * A request goes to another server only if the first could not be reached, that is
 * before anything of it was sent. Once the answer is begun, a failure cuts the
 * connection.
 *
 * Thread: the loop's.
 */

#include "http/limits.h"
#include "proxy/upstreams.h"
#include "weft/http_client.h"
#include "weft/log.h"
#include "weft/loop.h"

#include <errno.h>
#include <stdlib.h>

#define IDLE_GRACE WEFT_MS(500)

/* The service on one loop. */
struct proxy {
    struct upstreams upstreams;
    weft_http_client *client; /* owned */
    weft_http_server *server; /* owned */
};

/* ---- requests --------------------------------------------------------------------------- */

/* Whether <code> says that nothing of the request went out. */
static bool is_not_reached(int code)
{
    switch (code) {
    case -ECONNREFUSED:
    case -ENOENT:
    case -EACCES:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -EADDRNOTAVAIL:
    case -EAGAIN: /* of a unix socket whose backlog is full */
    case WEFT_EADDRINFO:
        return true;
    default:
        return false;
    }
}

/* What a failed request is answered with; or <code>, for whoever is to cut the connection. */
static int answer_failure(weft_http_request *request, weft_http_response *response, int code)
{
    if (code == WEFT_ECANCELED || code == WEFT_ENOMEM || weft_http_response_is_begun(response) ||
        weft_http_request_get_refusal(request) != 0) {
        return code; /* Of a refused one the library tells the client. */
    }
    if (code == WEFT_ETIMEDOUT) {
        return weft_http_response_set_text(response, 504, "the server behind takes too long\n");
    }
    return weft_http_response_set_text(response, 502, "the server behind cannot be asked\n");
}

static void log_out(const struct proxy *proxy, const struct upstream *upstream, int code)
{
    weft_log(WEFT_LOG_WARNING, "weft.proxy", "upstream %s is left out for %.1f s: %s (%s)",
             upstream->origin, (double)proxy->upstreams.fail_for / 1e9, weft_current_message(code),
             weft_error_name(code));
}

static int answer(weft_http_request *request, weft_http_response *response, void *data)
{
    struct proxy *proxy = data;
    bool tried[MAX_UPSTREAMS] = { false };
    int r = -ECONNREFUSED;

    while (is_not_reached(r)) {
        weft_time now = weft_loop_time(NULL);
        struct upstream *upstream = upstreams_pick(&proxy->upstreams, now, tried);
        if (upstream == NULL) {
            break;
        }
        tried[upstream - proxy->upstreams.all] = true;
        r = weft_http_forward(proxy->client, upstream->origin, request, response);
        if (!is_not_reached(r)) {
            upstreams_note_good(upstream);
        } else if (upstreams_note_bad(&proxy->upstreams, upstream, weft_loop_time(NULL))) {
            log_out(proxy, upstream, r);
        }
    }
    return r < 0 ? answer_failure(request, response, r) : r;
}

/* ---- the service -------------------------------------------------------------------------- */

static void destroy(struct proxy *proxy)
{
    weft_http_server_destroy(proxy->server);
    weft_http_client_destroy(proxy->client);
    upstreams_fini(&proxy->upstreams);
    free(proxy);
}

static int make(weft_service *service, struct proxy *proxy)
{
    weft_http_options options = http_limits_of(service);
    weft_http_client_options client = WEFT_HTTP_CLIENT_OPTIONS_INIT;

    WEFT_TRY(upstreams_init(&proxy->upstreams, weft_service_get_string(service, "upstreams"),
                            (unsigned)weft_service_get_int(service, "fail_after"),
                            weft_service_get_int(service, "fail_for")));
    client.connect_limit = weft_service_get_int(service, "connect_limit");
    client.head_limit = weft_service_get_int(service, "answer_limit");
    client.body_limit = weft_service_get_int(service, "answer_limit");
    client.idle_limit = weft_service_get_int(service, "keep_limit");
    client.max_idle = (size_t)weft_service_get_int(service, "max_kept");
    WEFT_TRY(weft_http_client_create(&client, &proxy->client));
    options.streams_bodies = true;
    return weft_http_server_create(answer, proxy, &options, &proxy->server);
}

static int proxy_start(weft_service *service)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);

    if (proxy == NULL) {
        return WEFT_ENOMEM;
    }
    int r = make(service, proxy);
    if (r < 0) {
        destroy(proxy);
        return r;
    }
    weft_service_set_data(service, proxy);
    return 0;
}

static int proxy_connected(weft_service *service, weft_stream *stream)
{
    struct proxy *proxy = weft_service_get_data(service);

    return weft_http_server_serve(proxy->server, stream);
}

static int proxy_stop(weft_service *service)
{
    struct proxy *proxy = weft_service_get_data(service);

    return weft_http_server_drain(proxy->server, IDLE_GRACE);
}

static void proxy_gone(weft_service *service)
{
    struct proxy *proxy = weft_service_get_data(service);

    if (proxy != NULL) {
        destroy(proxy);
    }
}

WEFT_SERVICE(
        .name = "proxy", .version = "1",
        .settings =
            {
                {
                    .key = "upstreams",
                    .doc = "The servers behind: HOST:PORT or unix:PATH, with commas between them.",
                    .kind = WEFT_SETTING_STRING,
                    .required = 1,
                },
                HTTP_DURATION("connect_limit", "5s", WEFT_MS(1), WEFT_S(3600),
                              "Time to connect to an upstream."),
                HTTP_DURATION("answer_limit", "30s", WEFT_MS(1), WEFT_S(86400),
                              "Time for the head of its answer, and for each piece of a body; else "
                              "504."),
                HTTP_DURATION("keep_limit", "30s", WEFT_MS(1), WEFT_S(86400),
                              "How long a connection to an upstream is kept without use."),
                HTTP_NUMBER("max_kept", "32", WEFT_SETTING_INT, 1, 10000,
                            "Connections to upstreams that a loop keeps."),
                HTTP_NUMBER("fail_after", "3", WEFT_SETTING_INT, 1, 1000,
                            "After so many failures in a row to reach it an upstream is left out."),
                HTTP_DURATION("fail_for", "10s", WEFT_MS(1), WEFT_S(86400),
                              "For so long; then one request tries it again."),
                HTTP_LIMITS,
            },
        .start = proxy_start, .connected = proxy_connected, .stop = proxy_stop, .gone = proxy_gone);
