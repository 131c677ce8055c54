/*
 * udp-refused: a connected endpoint hears by error_received that nobody listens, and goes on.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

static int error(weft_datagram_transport *transport, int code, void *heard)
{
    (void)transport;
    trace("error %s", weft_error_asyncio_name(code));
    return weft_event_set(heard);
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .connection_made = print_made,
    .datagram_received = print_datagram,
    .error_received = error,
    .connection_lost = print_lost,
};

/* A port on which nobody listens any more. */
static int find_port(int *out_port)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *transport;
    weft_address address;

    options.local_addr = "127.0.0.1";
    WEFT_TRY(weft_open_datagram_endpoint(&options, &transport));
    WEFT_TRY(weft_datagram_transport_get_sockname(transport, &address));
    end_endpoint(transport);
    *out_port = weft_address_get_port(&address);
    return sleep_turns(2);
}

static int story(void *arg)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *transport;
    weft_event *heard;

    (void)arg;
    heard = make_event();
    WEFT_TRY(find_port(&options.remote_port));
    options.remote_addr = "127.0.0.1";
    struct datagram_user user = { &protocol, heard };
    WEFT_TRY(weft_loop_create_datagram_endpoint(NULL, make_datagram_protocol, &user, &options,
                                                &transport));
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_event_clear(heard));
        WEFT_TRY(weft_datagram_transport_sendto(transport, "x", 1, NULL));
        trace("sent");
        WEFT_TRY(weft_event_wait(heard));
        trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    }
    end_endpoint(transport);
    WEFT_TRY(sleep_turns(2));
    weft_event_destroy(heard);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
