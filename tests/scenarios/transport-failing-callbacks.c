/*
 * transport-failing-callbacks: Errors in data_received, eof_received, get_buffer and
 * buffer_updated are fatal; in connection_made and connection_lost they are only reported; an
 * OSError is fatal without a report.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <errno.h>
#include <unistd.h>

static char buffer[4];

static int fail_as_system(struct tracer *tracer)
{
    (void)tracer;
    return weft_fail(-EPERM, "on purpose");
}

static int attempt(const char *title, struct tracer a)
{
    trace("%s", title);
    int peer = a.buffer != NULL ? connect_buffered_tracer(&a) : connect_tracer(&a);
    peer_send(peer, "one");
    WEFT_TRY(turns(3));
    close(peer);
    WEFT_TRY(turns(4));
    tracer_end(&a);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    print_reports();
    WEFT_TRY(attempt("made", (struct tracer){ .name = "a", .made = fail_it }));
    WEFT_TRY(attempt("data", (struct tracer){ .name = "a", .data = fail_it }));
    WEFT_TRY(
        attempt("data, of the system", (struct tracer){ .name = "a", .data = fail_as_system }));
    WEFT_TRY(attempt("eof", (struct tracer){ .name = "a", .eof = fail_it }));
    WEFT_TRY(attempt("lost", (struct tracer){ .name = "a", .lost_hook = fail_it }));
    WEFT_TRY(attempt(
        "get_buffer",
        (struct tracer){ .name = "a", .buffer = buffer, .buffer_size = 4, .get_buffer = fail_it }));
    WEFT_TRY(attempt("empty buffer", (struct tracer){ .name = "a", .buffer = buffer }));
    return attempt(
        "buffer_updated",
        (struct tracer){ .name = "a", .buffer = buffer, .buffer_size = 4, .data = fail_it });
}

int main(void)
{
    return scenario_main_real(story);
}
