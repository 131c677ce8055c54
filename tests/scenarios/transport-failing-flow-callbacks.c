/*
 * transport-failing-flow-callbacks: Errors in pause_writing and resume_writing are reported, and
 * the writing goes on.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    SIZE = 200000
};

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .pause = fail_it, .resume = fail_it };
    char *bytes = MUST_HAVE(calloc(1, SIZE));
    size_t n = 0;

    print_reports();
    int peer = connect_tracer(&a);
    MUST(weft_transport_write(a.transport, bytes, SIZE));
    free(bytes);
    while (weft_transport_get_write_buffer_size(a.transport) > 0) {
        n += receive(peer, NULL, 0);
        WEFT_TRY(weft_sleep(0));
    }
    MUST(weft_transport_close(a.transport));
    WEFT_TRY(turns(2));
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
