/*
 * udp-empty-datagram: an empty datagram is received like any other, and ends nothing.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <unistd.h>

static int got(weft_datagram_transport *transport, const void *bytes, size_t n,
               const weft_address *from, void *queue)
{
    (void)transport;
    (void)bytes;
    (void)from;
    trace("got %zu", n);
    return weft_queue_put_nowait(queue, weft_value_int((int64_t)n));
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .datagram_received = got,
    .connection_lost = print_lost,
};

static int story(void *arg)
{
    static const char *const texts[] = { "", "xxx", "" };
    weft_queue *queue;
    weft_value n;
    int ends[2];

    (void)arg;
    WEFT_TRY(weft_queue_create(0, &queue));
    datagram_pair(ends);
    weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, queue);
    for (int i = 0; i < 3; i++) {
        send_datagram(ends[1], texts[i]);
        WEFT_TRY(weft_queue_get(queue, &n));
        trace("queue %d", (int)n.as.num);
    }
    trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    end_endpoint(transport);
    WEFT_TRY(weft_sleep(0));
    close(ends[1]);
    weft_queue_destroy(queue);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
