/*
 * transport-close-flushes: Closing sends what is queued before connection_lost; data that arrives
 * meanwhile is not handed over.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    SIZE = 60000
};

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a" };
    char *bytes = MUST_HAVE(calloc(1, SIZE));
    int peer = connect_tracer(&a);
    size_t n = 0;

    MUST(weft_transport_write(a.transport, bytes, SIZE));
    free(bytes);
    MUST(weft_transport_close(a.transport));
    trace("queued %d", weft_transport_get_write_buffer_size(a.transport) > 0);
    peer_send(peer, "nobody listens");
    WEFT_TRY(turns(4));
    trace("lost %d", weft_future_done(a.lost));
    while (!weft_future_done(a.lost)) {
        n += receive(peer, NULL, 0);
        WEFT_TRY(weft_sleep(0));
    }
    n += receive(peer, NULL, 0);
    trace("received %zu", n);
    close(peer);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
