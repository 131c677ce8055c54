/*
 * transport-accepted-socket: connect_accepted_socket puts a protocol on a socket that a plain
 * listener accepted; writes in connection_made are sent at once.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int welcome(struct tracer *a)
{
    send_text(a->transport, "welcome");
    return 0;
}

static void name_of(int fd, char *text, size_t size)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    MUST(getsockname(fd, (struct sockaddr *)&address, &len));
    snprintf(text, size, "127.0.0.1:%d", ntohs(address.sin_port));
}

static int listen_on_loopback(struct sockaddr_in *out_address)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(bind(fd, (struct sockaddr *)&address, len));
    MUST(listen(fd, 1));
    MUST(getsockname(fd, (struct sockaddr *)&address, &len));
    *out_address = address;
    return fd;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .made = welcome };
    struct sockaddr_in address;
    char wanted_peer[32];
    char wanted_own[32];
    char peer_name[32];
    char own_name[32];
    char text[100];
    weft_transport *transport;
    void *data;

    int listener = listen_on_loopback(&address);
    int peer = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    MUST(connect(peer, (struct sockaddr *)&address, sizeof address));
    int accepted = MUST(accept(listener, NULL, NULL));
    MUST(weft_loop_connect_accepted_socket(NULL, make_tracer, &a, accepted, NULL, &transport));
    weft_transport_get_protocol(transport, &data);
    trace("returned %d", data == &a);
    int n = MUST((int)read(peer, text, sizeof text));
    trace("peer got %.*s", n, text);
    name_of(peer, wanted_peer, sizeof wanted_peer);
    name_of(listener, wanted_own, sizeof wanted_own);
    MUST(weft_transport_get_peername(transport, peer_name, sizeof peer_name));
    MUST(weft_transport_get_sockname(transport, own_name, sizeof own_name));
    trace("names %d", strcmp(peer_name, wanted_peer) == 0 && strcmp(own_name, wanted_own) == 0);
    peer_send(peer, "thanks");
    close(peer);
    WEFT_TRY(weft_await(a.lost, NULL));
    MUST(weft_transport_get_peername(transport, own_name, sizeof own_name));
    trace("names %d", strcmp(peer_name, own_name) == 0);
    close(listener);
    weft_transport_unref(transport);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
