/*
 * The built-in module `http`: the files below a directory, or else the pages of
 * handlers.c; one weft_http_server per loop.
 *
 * A drain: the next answer of each connection says `Connection: close`; a
 * connection that is idle is given half a second for a request that is on its
 * way, then it is closed.
 */

#include "http/handlers.h"
#include "http/limits.h"
#include "weft/http_files.h"
#include "weft/service.h"

#include <stdlib.h>

#define IDLE_GRACE WEFT_MS(500)

/* The service on one loop. */
struct http_service {
    struct http_context context;
    weft_http_server *server; /* owned */
    weft_http_files *files;   /* owned; NULL: no root is set */
};

static int answer_with_file(weft_http_request *request, weft_http_response *response, void *data)
{
    return weft_http_files_answer(data, NULL, request, response);
}

static void destroy(struct http_service *http)
{
    weft_http_server_destroy(http->server);
    weft_http_files_destroy(http->files);
    free(http);
}

/* What serves: files when there is a root. */
static int make_server(weft_service *service, struct http_service *http)
{
    weft_http_options options = http_limits_of(service);
    const char *root = weft_service_get_string(service, "root");

    if (root == NULL || root[0] == '\0') {
        return weft_http_server_create(http_handle, &http->context, &options, &http->server);
    }
    weft_http_files_options how = WEFT_HTTP_FILES_OPTIONS_INIT;
    how.index = weft_service_get_string(service, "index");
    how.max_age = weft_service_get_int(service, "max_age");
    how.executor = http->context.executor;
    WEFT_TRY(weft_http_files_create(root, &how, &http->files));
    return weft_http_server_create(answer_with_file, http->files, &options, &http->server);
}

static int http_start(weft_service *service)
{
    struct http_service *http = calloc(1, sizeof *http);

    if (http == NULL) {
        return WEFT_ENOMEM;
    }
    http->context.executor = weft_service_get_executor(service, NULL);
    int r = make_server(service, http);
    if (r < 0) {
        destroy(http);
        return r;
    }
    weft_service_set_data(service, http);
    return 0;
}

static int http_connected(weft_service *service, weft_stream *stream)
{
    struct http_service *http = weft_service_get_data(service);

    return weft_http_server_serve(http->server, stream);
}

static int http_stop(weft_service *service)
{
    struct http_service *http = weft_service_get_data(service);

    return weft_http_server_drain(http->server, IDLE_GRACE);
}

static void http_gone(weft_service *service)
{
    struct http_service *http = weft_service_get_data(service);

    if (http != NULL) {
        destroy(http);
    }
}

WEFT_SERVICE(
        .name = "http", .version = "1",
        .settings =
            {
                HTTP_LIMITS,
                HTTP_TEXT("root", "",
                     "The directory whose files are served; without it, some pages of examples."),
                HTTP_TEXT("index", "index.html", "What a directory is answered with."),
                HTTP_DURATION("max_age", "0s", 0, WEFT_S(31536000),
                              "How long clients may keep a file without asking; 0s: it is not said."),
            },
        .start = http_start, .connected = http_connected, .stop = http_stop, .gone = http_gone);
