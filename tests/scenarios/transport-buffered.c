/*
 * transport-buffered: A buffered protocol is filled piece by piece, one piece a turn; get_buffer
 * comes before each.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static int say_get_buffer(struct tracer *a)
{
    tracer_say(a, "get_buffer");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    char buffer[4];
    struct tracer a = { .name = "a",
                        .buffer = buffer,
                        .buffer_size = sizeof buffer,
                        .get_buffer = say_get_buffer,
                        .data = say_soon };
    int peer = connect_buffered_tracer(&a);

    peer_send(peer, "0123456789");
    close(peer);
    WEFT_TRY(turns(8));
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
