/*
 * 226-tcp-pause-reading: A paused transport delivers no data; resuming delivers what has piled
 * up.
 */
#include "support/scenario.h"

struct receiver {
    weft_future *made;
    weft_future *complete;
    weft_transport *transport;
    int size;
};

static int on_made(weft_transport *transport, void *data)
{
    struct receiver *receiver = data;

    receiver->transport = weft_transport_ref(transport);
    return open_gate(receiver->made);
}

static int on_data(weft_transport *transport, const void *bytes, size_t n, void *data)
{
    struct receiver *receiver = data;

    (void)transport;
    (void)bytes;
    receiver->size += (int)n;
    return receiver->size == 8 ? open_gate(receiver->complete) : 0;
}

static const weft_protocol protocol = { .size = sizeof protocol,
                                        .connection_made = on_made,
                                        .data_received = on_data };

static int story(void *arg)
{
    (void)arg;
    struct receiver peer = { make_future(), make_future(), NULL, 0 };
    struct maker server_maker = { &protocol, &peer };
    struct maker client_maker = { &silent_protocol, NULL };
    weft_server *server = serve_protocol(&server_maker);
    weft_transport *transport = connect_protocol(server, &client_maker);

    WEFT_TRY(join(peer.made, NULL));
    trace("reading=%d", weft_transport_is_reading(peer.transport));
    MUST(weft_transport_pause_reading(peer.transport));
    trace("reading=%d", weft_transport_is_reading(peer.transport));
    send_text(transport, "12345678");
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("while paused %d", peer.size);
    MUST(weft_transport_resume_reading(peer.transport));
    trace("reading=%d", weft_transport_is_reading(peer.transport));
    WEFT_TRY(join(peer.complete, NULL));
    trace("after resume %d", peer.size);
    MUST(weft_transport_close(transport));
    MUST(weft_transport_close(peer.transport));
    weft_transport_unref(transport);
    weft_transport_unref(peer.transport);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}
