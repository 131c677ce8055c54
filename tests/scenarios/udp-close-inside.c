/*
 * udp-close-inside: closing inside connection_made and inside datagram_received; what has come is
 * not heard.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <string.h>
#include <unistd.h>

static int made(weft_datagram_transport *transport, void *where)
{
    trace("%s made", (const char *)where);
    return strcmp(where, "in-made") == 0 ? weft_datagram_transport_close(transport) : 0;
}

static int got(weft_datagram_transport *transport, const void *bytes, size_t n,
               const weft_address *from, void *where)
{
    (void)from;
    trace("%s got %.*s", (const char *)where, (int)n, (const char *)bytes);
    WEFT_TRY(weft_datagram_transport_close(transport));
    return weft_datagram_transport_close(transport);
}

static int lost(weft_datagram_transport *transport, int code, void *where)
{
    (void)transport;
    trace("%s lost %s", (const char *)where, code == 0 ? "None" : weft_error_asyncio_name(code));
    return 0;
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .connection_made = made,
    .datagram_received = got,
    .connection_lost = lost,
};

static int story(void *arg)
{
    static char *const places[] = { "in-made", "in-received" };

    (void)arg;
    for (int p = 0; p < 2; p++) {
        int ends[2];
        datagram_pair(ends);
        send_datagram(ends[1], "1");
        send_datagram(ends[1], "2");
        weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, places[p]);
        trace("%s returned %s", places[p], truth(weft_datagram_transport_is_closing(transport)));
        for (int i = 0; i < 4; i++) {
            WEFT_TRY(weft_sleep(0));
            trace("%s turn %d", places[p], i);
        }
        weft_datagram_transport_unref(transport);
        close(ends[1]);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
