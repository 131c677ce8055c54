/*
 * transport-set-protocol: Another protocol takes over inside data_received, a buffered one:
 * neither connection_made nor connection_lost come by that.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static struct tracer second;

static int hand_over(struct tracer *first)
{
    return weft_transport_set_protocol(first->transport, &buffered_tracer, &second);
}

static int has_protocol_of(const struct tracer *first, const struct tracer *wanted)
{
    void *data = NULL;

    return weft_transport_get_protocol(first->transport, &data) != NULL && data == wanted;
}

static int story(void *arg)
{
    (void)arg;
    char buffer[3];
    struct tracer first = { .name = "first", .data = hand_over };
    int peer = connect_tracer(&first);

    second = (struct tracer){
        .name = "second", .buffer = buffer, .buffer_size = sizeof buffer, .lost = make_future()
    };
    trace("is first %d", has_protocol_of(&first, &first));
    peer_send(peer, "one");
    WEFT_TRY(turns(3));
    trace("is second %d", has_protocol_of(&first, &second));
    peer_send(peer, "twothree");
    WEFT_TRY(turns(5));
    close(peer);
    WEFT_TRY(turns(4));
    trace("first lost %d second lost %d", weft_future_done(first.lost),
          weft_future_done(second.lost));
    tracer_end(&first);
    tracer_end(&second);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
