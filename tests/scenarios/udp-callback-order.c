/*
 * udp-callback-order: connection_made before create_datagram_endpoint returns; one datagram a turn,
 * with callbacks of the loop between them; connection_lost a turn after close.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <unistd.h>

static int made(weft_datagram_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("made");
    return weft_loop_call_soon(NULL, say, "soon after made", NULL);
}

static int got(weft_datagram_transport *transport, const void *bytes, size_t n,
               const weft_address *from, void *data)
{
    static char *const texts[] = { "soon after 1", "soon after 2", "soon after 3" };

    print_datagram(transport, bytes, n, from, data);
    return weft_loop_call_soon(NULL, say, texts[*(const char *)bytes - '1'], NULL);
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .connection_made = made,
    .datagram_received = got,
    .connection_lost = print_lost,
};

static int story(void *arg)
{
    int ends[2];

    (void)arg;
    datagram_pair(ends);
    send_datagram(ends[1], "1");
    send_datagram(ends[1], "2");
    send_datagram(ends[1], "3");
    weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, NULL);
    trace("returned");
    for (int i = 0; i < 5; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d", i);
    }
    weft_datagram_transport_close(transport);
    trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    WEFT_TRY(weft_loop_call_soon(NULL, say, "soon after close", NULL));
    WEFT_TRY(weft_sleep(0));
    trace("end");
    WEFT_TRY(weft_sleep(0));
    weft_datagram_transport_unref(transport);
    close(ends[1]);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
