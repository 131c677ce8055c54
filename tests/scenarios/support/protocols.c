/*
 * Callback protocols on loopback.
 */

#include "protocols.h"

#include "trace.h"

#include <string.h>

const weft_protocol silent_protocol = { .size = sizeof silent_protocol };

int make_from(const weft_protocol **out_protocol, void **out_data, void *arg)
{
    const struct maker *maker = arg;

    *out_protocol = maker->protocol;
    *out_data = maker->data;
    return 0;
}

weft_server *serve_protocol(struct maker *maker)
{
    weft_server *server;

    MUST(weft_loop_create_server(NULL, make_from, maker, "127.0.0.1", 0, NULL, &server));
    return server;
}

weft_transport *connect_protocol(weft_server *server, struct maker *maker)
{
    weft_transport *transport;
    int port = weft_server_get_port(server);

    MUST(weft_loop_create_connection(NULL, make_from, maker, "127.0.0.1", port, NULL, &transport));
    return transport;
}

void send_text(weft_transport *transport, const char *text)
{
    MUST(weft_transport_write(transport, text, strlen(text)));
}
