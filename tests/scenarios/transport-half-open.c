/*
 * transport-half-open: A true result of eof_received keeps the connection half open: it writes on,
 * and nothing more is received.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <sys/socket.h>
#include <unistd.h>

static void trace_state(const struct tracer *a)
{
    trace("closing %d reading %d", weft_transport_is_closing(a->transport),
          weft_transport_is_reading(a->transport));
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .eof = keep_open };
    char answer[16];
    int peer = connect_tracer(&a);

    peer_send(peer, "question");
    MUST(shutdown(peer, SHUT_WR));
    WEFT_TRY(turns(4));
    trace_state(&a);
    send_text(a.transport, "answer");
    WEFT_TRY(turns(3));
    size_t n = receive(peer, answer, sizeof answer);
    trace("received %.*s", (int)n, answer);
    MUST(weft_transport_close(a.transport));
    trace_state(&a);
    WEFT_TRY(turns(3));
    close(peer);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
