/*
 * transport-two-in-one-turn: Two connections that become readable together are served in one turn,
 * in the order in which they became so, and each queues behind the other.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .data = say_soon, .eof = say_soon };
    struct tracer b = { .name = "b", .data = say_soon, .eof = say_soon };
    int peer_a = connect_tracer(&a);
    int peer_b = connect_tracer(&b);

    WEFT_TRY(turns(2));
    peer_send(peer_a, "1");
    peer_send(peer_b, "2");
    WEFT_TRY(turns(3));
    peer_send(peer_b, "3");
    close(peer_b);
    peer_send(peer_a, "4");
    close(peer_a);
    WEFT_TRY(turns(6));
    tracer_end(&a);
    tracer_end(&b);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
