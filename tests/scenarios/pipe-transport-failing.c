/*
 * pipe-transport-failing: Callbacks of a pipe that fail are reported and break nothing.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static int on_report(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)data;
    trace("report %s", err(context->code));
    return 0;
}

static int story(void *arg)
{
    struct tracer t = {
        .name = "r", .made = fail_it, .data = fail_it, .eof = fail_it, .lost_hook = fail_it
    };
    int ends[2];

    (void)arg;
    MUST(weft_loop_set_exception_handler(NULL, on_report, NULL));
    MUST(pipe(ends));
    WEFT_TRY(read_pipe(&t, ends[0]));
    trace("connected");
    MUST((int)write(ends[1], "one", 3));
    WEFT_TRY(turns(3));
    MUST((int)write(ends[1], "two", 3));
    WEFT_TRY(turns(3));
    trace("closing %d", weft_transport_is_closing(t.transport));
    close(ends[1]);
    WEFT_TRY(turns(4));
    tracer_end(&t);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
