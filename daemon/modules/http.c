/*
 * The built-in module `http`: the files below a directory, or else the pages of
 * handlers.c; one weft_http_server per loop.
 *
 * A drain: the next answer of each connection says `Connection: close`; a
 * connection that is idle is given half a second for a request that is on its
 * way, then it is closed.
 */

#include "http/handlers.h"
#include "weft/http_files.h"
#include "weft/service.h"

#include <stdlib.h>

#define IDLE_GRACE WEFT_MS(500)

enum {
    MS = 1000000,
    MIB = 1024 * 1024
};

/* The service on one loop. */
struct http_service {
    struct http_context context;
    weft_http_server *server; /* owned */
    weft_http_files *files;   /* owned; NULL: no root is set */
};

static weft_http_options options_of(weft_service *service)
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;

    options.head_limit = weft_service_get_int(service, "head_limit");
    options.body_limit = weft_service_get_int(service, "body_limit");
    options.idle_limit = weft_service_get_int(service, "idle_limit");
    options.total_limit = weft_service_get_int(service, "total_limit");
    options.max_head_size = (size_t)weft_service_get_int(service, "max_head_size");
    options.max_target_length = (size_t)weft_service_get_int(service, "max_target_length");
    options.max_headers = (size_t)weft_service_get_int(service, "max_headers");
    options.max_requests = (uint64_t)weft_service_get_int(service, "max_requests");
    options.max_body_size = (size_t)weft_service_get_int(service, "max_body_size");
    if (options.max_body_size == 0) {
        options.max_body_size = SIZE_MAX; /* none at all */
    }
    return options;
}

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
    weft_http_options options = options_of(service);
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

#define DURATION(key_, fallback_, max_, doc_)                                                      \
    {                                                                                              \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = WEFT_SETTING_DURATION, .min = MS, \
        .max = max_                                                                                \
    }
#define TEXT(key_, fallback_, doc_)                                                   \
    {                                                                                 \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = WEFT_SETTING_STRING, \
    }
#define NUMBER(key_, fallback_, kind_, min_, max_, doc_)                                         \
    {                                                                                            \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = kind_, .min = min_, .max = max_ \
    }

WEFT_SERVICE(
        .name = "http", .version = "1",
        .settings =
            {
                DURATION("head_limit", "10s", WEFT_S(3600), "Time for the head of a request."),
                DURATION("body_limit", "30s", WEFT_S(86400), "Time for the body of a request."),
                DURATION("idle_limit", "60s", WEFT_S(86400), "How long a connection may be idle."),
                DURATION("total_limit", "60s", WEFT_S(86400),
                         "Time for a request and its answer together."),
                NUMBER("max_head_size", "16KiB", WEFT_SETTING_SIZE, 256, 1 * MIB,
                       "The largest head of a request; else 431."),
                NUMBER("max_body_size", "1MiB", WEFT_SETTING_SIZE, 0, 1024 * MIB,
                       "The largest body of a request; else 413."),
                NUMBER("max_target_length", "8KiB", WEFT_SETTING_SIZE, 64, 1 * MIB,
                       "The longest path and query; else 414."),
                NUMBER("max_headers", "100", WEFT_SETTING_INT, 1, 1000,
                       "Headers of a request at most; else 431."),
                TEXT("root", "",
                     "The directory whose files are served; without it, some pages of examples."),
                TEXT("index", "index.html", "What a directory is answered with."),
                {
                    .key = "max_age",
                    .fallback = "0s",
                    .doc = "How long clients may keep a file without asking; 0s: it is not said.",
                    .kind = WEFT_SETTING_DURATION,
                    .max = WEFT_S(31536000),
                },
                NUMBER("max_requests", "0", WEFT_SETTING_INT, 0, 1000000000,
                       "Requests of a connection before it is closed; 0: no limit."),
            },
        .start = http_start, .connected = http_connected, .stop = http_stop, .gone = http_gone);
