/*
 * transport-peer-resets: A reset is an error of connection_lost; eof_received does not come.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static int note_made(struct tracer *a)
{
    a->n = 1;
    return 0;
}

static int connect_plainly(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .made = note_made };
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    weft_server *server;

    MUST(weft_loop_create_server(NULL, make_tracer, &a, "127.0.0.1", 0, NULL, &server));
    int peer = connect_plainly(weft_server_get_port(server));
    while (a.n == 0) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    MUST(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    close(peer);
    WEFT_TRY(weft_await(a.lost, NULL));
    trace("closing %d", weft_transport_is_closing(a.transport));
    tracer_end(&a);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
