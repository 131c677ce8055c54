/*
 * transport-server-starts-later: A server with start_serving=False refuses until it is started;
 * starting twice is harmless; after the close it is over.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static int say_end(struct tracer *a)
{
    (void)a;
    trace("end");
    return 0;
}

static int try_to_connect(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        trace("%s", err(-errno));
        close(fd);
        return -1;
    }
    return fd;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .eof = say_end };
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
    weft_server *server;

    options.start_serving = -1;
    MUST(weft_loop_create_server(NULL, make_tracer, &a, "127.0.0.1", 0, &options, &server));
    int port = weft_server_get_port(server);
    trace("serving %d sockets %zu", weft_server_is_serving(server),
          weft_server_get_sockets(server, NULL, 0));
    try_to_connect(port);
    WEFT_TRY(weft_server_start_serving(server));
    WEFT_TRY(weft_server_start_serving(server));
    trace("serving %d", weft_server_is_serving(server));
    int peer = try_to_connect(port);
    peer_send(peer, "hello");
    close(peer);
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    MUST(weft_server_close(server));
    MUST(weft_server_close(server));
    trace("serving %d sockets %zu", weft_server_is_serving(server),
          weft_server_get_sockets(server, NULL, 0));
    WEFT_TRY(weft_server_wait_closed(server));
    int r = weft_server_serve_forever(server);
    trace("%s", err(r));
    try_to_connect(port);
    weft_server_destroy(server);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
