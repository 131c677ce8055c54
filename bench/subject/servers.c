/*
 * echo and http: the handlers of the modules that weftd runs, on as many loops as
 * asked for, until SIGTERM. Each loop has a listener of its own.
 */

#include "peer.h"

#include "echo/handler.h"
#include "http/handlers.h"
#include "weft/http.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
    MAX_LOOPS = 64
};

struct service {
    int port;
    weft_client_connected_fn *connected;
    void *data;
};

static int serve_echo(weft_stream *stream, void *data)
{
    (void)data;
    return echo_serve(stream, WEFT_S(300)); /* the module's default */
}

static int answer(weft_http_request *request, weft_http_response *response, void *data)
{
    (void)request;
    (void)data;
    return http_answer_plaintext(response);
}

/* One server for all connections of a loop, as the module has. */
static int serve_http(weft_stream *stream, void *data)
{
    static _Thread_local weft_http_server *server;

    (void)data;
    if (server == NULL) {
        WEFT_TRY(weft_http_server_create(answer, NULL, NULL, &server));
    }
    return weft_http_server_serve(server, stream);
}

static int serve(void *arg)
{
    const struct service *service = arg;
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
    weft_server *server;

    options.reuse_port = 1;
    WEFT_TRY(weft_start_server(service->connected, service->data, "127.0.0.1", service->port,
                               &options, &server));
    return weft_server_serve_forever(server);
}

static void *run_loop(void *arg)
{
    peer_run(serve, arg);
    return NULL;
}

static void on_sigterm(int signal)
{
    (void)signal;
    _exit(0);
}

static int run(struct service *service, int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_sigterm };
    int64_t n_loops = peer_get_number(argc, argv, "--procs", 1);
    pthread_t threads[MAX_LOOPS];

    if (n_loops < 1 || n_loops > MAX_LOOPS) {
        fprintf(stderr, "weft-peer: --procs must be from 1 to %d\n", MAX_LOOPS);
        return 2;
    }
    service->port = (int)peer_get_number(argc, argv, "--port", 8080);
    sigaction(SIGTERM, &action, NULL);
    for (int64_t i = 1; i < n_loops; i++) {
        peer_require(-pthread_create(&threads[i], NULL, run_loop, service), "a thread");
    }
    run_loop(service);
    return 1; /* only SIGTERM ends it */
}

static int run_echo(int argc, char **argv)
{
    struct service service = { .connected = serve_echo };

    return run(&service, argc, argv);
}

static int run_http(int argc, char **argv)
{
    struct service service = { .connected = serve_http };

    return run(&service, argc, argv);
}

const struct peer_command peer_echo = { "echo", "--port PORT --procs LOOPS", run_echo };
const struct peer_command peer_http = { "http", "--port PORT --procs LOOPS", run_http };
