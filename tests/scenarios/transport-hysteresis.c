/*
 * transport-hysteresis: Between the marks nothing is said: one pause above the high one, one
 * resume at the low one, and what resume_writing writes pauses again.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

enum {
    SIZE = 200000,
    PIECE = 90000
};

static char bytes[SIZE];

static int write_more(struct tracer *a)
{
    if (++a->n == 1) {
        MUST(weft_transport_write(a->transport, bytes, SIZE));
        trace("written again");
        return 0;
    }
    return weft_transport_close(a->transport);
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .resume = write_more };
    int peer = connect_tracer(&a);
    size_t n = 0;

    MUST(weft_transport_set_write_buffer_limits(a.transport, 100000, 0));
    MUST(weft_transport_write(a.transport, bytes, PIECE));
    trace("below the mark");
    MUST(weft_transport_write(a.transport, bytes, PIECE));
    MUST(weft_transport_write(a.transport, bytes, PIECE));
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
