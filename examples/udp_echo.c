/*
 * udp_echo: a UDP server that answers by callbacks, and a client task that asks it three things.
 *
 * Run without arguments it talks to itself and ends. With a port it serves there:
 *
 *     $ udp_echo 9999 &
 *     $ echo hello | nc -u -w1 127.0.0.1 9999
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

static int echo(weft_datagram_transport *transport, const void *bytes, size_t n,
                const weft_address *from, void *data)
{
    (void)data;
    return weft_datagram_transport_sendto(transport, bytes, n, from);
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .datagram_received = echo,
};

static int make_protocol(const weft_datagram_protocol **out_protocol, void **out_data, void *arg)
{
    *out_protocol = &protocol;
    *out_data = arg;
    return 0;
}

/* Ask the server at <port>, and print its answers. */
static int ask(int port)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *client;
    static const char *const questions[] = { "one", "two", "three" };

    options.remote_addr = "127.0.0.1";
    options.remote_port = port;
    WEFT_TRY(weft_open_datagram_endpoint(&options, &client));
    for (int i = 0; i < 3; i++) {
        char answer[64];
        size_t n;
        WEFT_TRY(weft_datagram_transport_sendto(client, questions[i], strlen(questions[i]), NULL));
        WEFT_TRY(weft_datagram_transport_recvfrom(client, answer, sizeof answer, &n, NULL));
        printf("answer: %.*s\n", (int)n, answer);
    }
    weft_datagram_transport_close(client);
    weft_datagram_transport_unref(client);
    return 0;
}

static int run(void *arg)
{
    const int *port = arg;
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *server;
    weft_address address;

    options.local_addr = "127.0.0.1";
    options.local_port = *port;
    WEFT_TRY(weft_loop_create_datagram_endpoint(NULL, make_protocol, NULL, &options, &server));
    WEFT_TRY(weft_datagram_transport_get_sockname(server, &address));
    int code = *port != 0 ? weft_sleep(WEFT_FOREVER) : ask(weft_address_get_port(&address));
    weft_datagram_transport_close(server);
    weft_datagram_transport_unref(server);
    return code;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 0;

    return weft_run(run, &port) < 0;
}
