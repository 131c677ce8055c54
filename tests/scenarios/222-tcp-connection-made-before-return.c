/*
 * 222-tcp-connection-made-before-return: connection_made has run by the time create_connection
 * returns, and close() calls connection_lost in a later pass.
 */
#include "support/scenario.h"

static int on_made(weft_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("client connection_made");
    return 0;
}

static int on_lost(weft_transport *transport, int code, void *lost)
{
    (void)transport;
    (void)code;
    trace("client connection_lost");
    return open_gate(lost);
}

static const weft_protocol client = { .size = sizeof client,
                                      .connection_made = on_made,
                                      .connection_lost = on_lost };

static int story(void *arg)
{
    (void)arg;
    weft_future *lost = make_future();
    struct maker server_maker = { &silent_protocol, NULL };
    struct maker client_maker = { &client, lost };
    weft_server *server = serve_protocol(&server_maker);
    weft_transport *transport = connect_protocol(server, &client_maker);

    trace("create_connection returned");
    trace("closing=%d", weft_transport_is_closing(transport));
    MUST(weft_transport_close(transport));
    MUST(weft_transport_close(transport));
    trace("close() returned, closing=%d", weft_transport_is_closing(transport));
    WEFT_TRY(join(lost, NULL));
    weft_transport_unref(transport);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
