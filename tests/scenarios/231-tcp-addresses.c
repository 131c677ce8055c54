/*
 * 231-tcp-addresses: Both ends agree on the connection's addresses.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    ADDRESS_SIZE = 64
};

struct addresses {
    char sock[ADDRESS_SIZE];
    char peer[ADDRESS_SIZE];
};

struct story {
    struct addresses addresses;
    weft_future *seen;
};

static void get_addresses(weft_stream *stream, struct addresses *addresses)
{
    MUST(weft_stream_get_sockname(stream, addresses->sock, ADDRESS_SIZE));
    MUST(weft_stream_get_peername(stream, addresses->peer, ADDRESS_SIZE));
}

static int serve(weft_stream *stream, void *data)
{
    struct story *story = data;

    get_addresses(stream, &story->addresses);
    MUST(open_gate(story->seen));
    return weft_stream_close(stream);
}

/* The length of the host in "127.0.0.1:4711". */
static int host_len(const char *address)
{
    return (int)(strrchr(address, ':') - address);
}

static int story(void *arg)
{
    (void)arg;
    struct story story = { .seen = make_future() };
    weft_server *server = serve_on_loopback(serve, &story);
    weft_stream *stream = connect_to(server);
    struct addresses ours;
    const char *sock = story.addresses.sock;
    const char *peer = story.addresses.peer;

    WEFT_TRY(join(story.seen, NULL));
    trace("hosts %.*s %.*s", host_len(sock), sock, host_len(peer), peer);
    trace("server side port ok=%d", atoi(strrchr(sock, ':') + 1) == weft_server_get_port(server));
    get_addresses(stream, &ours);
    trace("mirrored=%d", strcmp(ours.sock, peer) == 0 && strcmp(ours.peer, sock) == 0);
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
