/*
 * transport-ends-in-callbacks: close and abort inside connection_made, data_received and
 * eof_received: connection_lost comes once, a turn later, and nothing after it.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void try_to_send(int peer, const char *text)
{
    if (send(peer, text, strlen(text), MSG_NOSIGNAL) < 0) {
        trace("refused");
    }
}

static int attempt(const char *title, struct tracer a)
{
    trace("%s", title);
    int peer = connect_tracer(&a);
    trace("returned");
    try_to_send(peer, "one");
    WEFT_TRY(turns(3));
    try_to_send(peer, "two");
    close(peer);
    WEFT_TRY(turns(4));
    tracer_end(&a);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(attempt("close in made", (struct tracer){ .name = "a", .made = close_it }));
    WEFT_TRY(attempt("abort in made", (struct tracer){ .name = "a", .made = abort_it }));
    WEFT_TRY(attempt("close in data", (struct tracer){ .name = "a", .data = close_it }));
    WEFT_TRY(attempt("abort in data", (struct tracer){ .name = "a", .data = abort_it }));
    WEFT_TRY(attempt("close in eof", (struct tracer){ .name = "a", .eof = close_it }));
    WEFT_TRY(attempt("abort in eof", (struct tracer){ .name = "a", .eof = abort_it }));
    return attempt("close in lost", (struct tracer){ .name = "a", .lost_hook = close_it });
}

int main(void)
{
    return scenario_main_real(story);
}
