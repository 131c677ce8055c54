/*
 * transport-order-of-turns: Reading starts after connection_made, the maker resumes before the
 * first data; the end comes one turn after the last data.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <sys/socket.h>
#include <unistd.h>

static int say_before(void *unused)
{
    (void)unused;
    trace("before");
    return 0;
}

static int trace_turns(int n)
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d", i);
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = {
        .name = "a", .made = say_soon, .data = say_soon, .eof = say_soon, .lost_hook = say_soon
    };
    int ends[2];

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    peer_send(ends[1], "early");
    MUST(weft_loop_call_soon(NULL, say_before, NULL, NULL));
    MUST(weft_loop_create_connection_fd(NULL, make_tracer, &a, ends[0], NULL, NULL));
    trace("returned");
    WEFT_TRY(trace_turns(3));
    peer_send(ends[1], "late");
    close(ends[1]);
    WEFT_TRY(trace_turns(6));
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
