/*
 * transport-pause-in-data: Pausing inside data_received holds the next data back; resuming hands
 * over what came meanwhile, in one piece, and then the end.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .data = pause_it };
    int peer = connect_tracer(&a);

    peer_send(peer, "one");
    WEFT_TRY(turns(3));
    peer_send(peer, "two");
    WEFT_TRY(turns(3));
    peer_send(peer, "three");
    WEFT_TRY(turns(3));
    trace("resume");
    MUST(weft_transport_resume_reading(a.transport));
    WEFT_TRY(turns(3));
    close(peer);
    WEFT_TRY(turns(3));
    trace("resume");
    MUST(weft_transport_resume_reading(a.transport));
    MUST(weft_transport_pause_reading(a.transport));
    WEFT_TRY(turns(3));
    trace("resume again");
    MUST(weft_transport_resume_reading(a.transport));
    WEFT_TRY(turns(4));
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
