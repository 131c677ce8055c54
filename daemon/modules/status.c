/*
 * The built-in module `status`: /metrics, /livez and /readyz.
 *
 * It runs in a process of its own that the supervisor starts, with the board of figures as an
 * inherited descriptor that can only be read. It asks nobody for anything, so it answers while
 * every worker is stuck and while the supervisor is busy.
 *
 *     /metrics   all figures as Prometheus reads them, each family once
 *     /livez     200 while the supervisor turns; load and stuck workers do not matter
 *     /readyz    200 while a generation serves and nobody told the daemon to stop; it changes
 *                before the listeners close
 *
 * Thread: the loop's.
 */
#include "status/text.h"
#include "weft/http.h"
#include "weft/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The supervisor beats once a second; one that is silent for so long is dead or stopped. */
#define SILENCE_LIMIT WEFT_S(30)
#define IDLE_GRACE    WEFT_MS(200)

struct status_service {
    const struct board *board; /* owned */
    weft_http_server *server;  /* owned */
};

/* ---- answers ----------------------------------------------------------------- */

static weft_duration silence_of(const struct board_supervisor *supervisor)
{
    weft_time now = weft_clock_now();
    weft_time then = (weft_time)supervisor->beat_at;

    return now > then ? now - then : 0;
}

static int answer(weft_http_response *response, int status, const char *text,
                  const struct board_supervisor *supervisor)
{
    WEFT_TRY(weft_http_response_set_status(response, status));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "text/plain; charset=utf-8"));
    WEFT_TRY(weft_http_response_add_header(response, "Cache-Control", "no-store"));
    return weft_http_response_printf(
        response, "%s\nstate: %s\ngeneration: %llu\nsupervisor heard of: %.1f s ago\n", text,
        supervisor->state, (unsigned long long)supervisor->generation,
        (double)silence_of(supervisor) / 1e9);
}

static int get_metrics(const struct status_service *status, weft_http_response *response)
{
    char *text = NULL;
    size_t length = 0;

    if (metrics_take(status->board, &text, &length) != 0) {
        return WEFT_ENOMEM;
    }
    int r = weft_http_response_add_header(response, "Content-Type", METRICS_CONTENT_TYPE);
    if (r == 0) {
        r = weft_http_response_write(response, text, length);
    }
    free(text);
    return r;
}

static int get_livez(const struct status_service *status, weft_http_response *response)
{
    struct board_supervisor supervisor;

    board_get_supervisor(status->board, &supervisor);
    bool is_live = silence_of(&supervisor) < SILENCE_LIMIT;
    return answer(response, is_live ? 200 : 503, is_live ? "live" : "the supervisor is silent",
                  &supervisor);
}

static int get_readyz(const struct status_service *status, weft_http_response *response)
{
    struct board_supervisor supervisor;

    board_get_supervisor(status->board, &supervisor);
    bool is_ready = supervisor.is_ready != 0 && silence_of(&supervisor) < SILENCE_LIMIT;
    return answer(response, is_ready ? 200 : 503, is_ready ? "ready" : "not ready", &supervisor);
}

static int on_request(weft_http_request *request, weft_http_response *response, void *data)
{
    static const struct {
        const char *path;
        int (*get)(const struct status_service *status, weft_http_response *response);
    } pages[] = {
        { "/metrics", get_metrics },
        { "/livez", get_livez },
        { "/readyz", get_readyz },
    };
    const char *method = weft_http_request_get_method(request);

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(weft_http_request_get_path(request), pages[i].path) != 0) {
            continue;
        }
        if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
            WEFT_TRY(weft_http_response_add_header(response, "Allow", "GET, HEAD"));
            return weft_http_response_set_text(response, 405, "this can only be read\n");
        }
        return pages[i].get(data, response);
    }
    return weft_http_response_set_text(response, 404, "there are /metrics, /livez and /readyz\n");
}

/* ---- life ---------------------------------------------------------------------- */

static void release(struct status_service *status)
{
    weft_http_server_destroy(status->server);
    if (status->board != NULL) {
        board_unmap(status->board);
    }
    free(status);
}

static int open_board(struct status_service *status, int fd)
{
    int r = fd < 0 ? -EBADF : board_map(fd, &status->board);

    return r == 0 ? 0
                  : weft_fail(WEFT_EINVAL,
                              "it has no figures to serve: only the process that weftd starts for "
                              "`status:` gets them");
}

static int start(weft_service *service)
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    struct status_service *status = calloc(1, sizeof *status);

    if (status == NULL) {
        return WEFT_ENOMEM;
    }
    options.max_head_size = 8 * 1024;
    options.max_target_length = 1024;
    options.max_body_size = SIZE_MAX; /* none at all */
    options.head_limit = WEFT_S(5);
    options.idle_limit = WEFT_S(75);  /* scrapes of every minute may share a connection */
    options.total_limit = WEFT_S(10); /* a scraper that does not read is cut */
    int r = open_board(status, (int)weft_service_get_int(service, "board"));
    if (r == 0) {
        r = weft_http_server_create(on_request, status, &options, &status->server);
    }
    if (r < 0) {
        release(status);
        return r;
    }
    weft_service_set_data(service, status);
    return 0;
}

static int connected(weft_service *service, weft_stream *stream)
{
    const struct status_service *status = weft_service_get_data(service);

    return weft_http_server_serve(status->server, stream);
}

static int stop(weft_service *service)
{
    const struct status_service *status = weft_service_get_data(service);

    return weft_http_server_drain(status->server, IDLE_GRACE);
}

static void gone(weft_service *service)
{
    release(weft_service_get_data(service));
}

WEFT_SERVICE(.name = "status", .version = "1",
             .settings = { { .key = "board",
                             .fallback = "-1",
                             .doc = "The descriptor of the figures, from the supervisor.",
                             .kind = WEFT_SETTING_INT,
                             .min = -1,
                             .max = 1000000 } },
             .start = start, .connected = connected, .stop = stop, .gone = gone);
