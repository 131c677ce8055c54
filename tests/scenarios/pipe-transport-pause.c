/*
 * pipe-transport-pause: A paused reader is told nothing, not even the end; resumed, it gets all in
 * order. Closing ends it while paused.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <string.h>
#include <unistd.h>

static void put(int fd, const char *text)
{
    MUST((int)write(fd, text, strlen(text)));
}

static int paused_by_task(void)
{
    struct tracer t = { .name = "r" };
    int ends[2];

    MUST(pipe(ends));
    WEFT_TRY(read_pipe(&t, ends[0]));
    put(ends[1], "one");
    WEFT_TRY(turns(3));
    MUST(weft_transport_pause_reading(t.transport));
    MUST(weft_transport_pause_reading(t.transport));
    put(ends[1], "two");
    close(ends[1]);
    WEFT_TRY(turns(5));
    trace("still paused");
    MUST(weft_transport_resume_reading(t.transport));
    MUST(weft_transport_resume_reading(t.transport));
    WEFT_TRY(await_lost(&t));
    MUST(weft_transport_resume_reading(t.transport));
    tracer_end(&t);
    return 0;
}

static int paused_by_data(void)
{
    struct tracer t = { .name = "r", .data = pause_it };
    int ends[2];

    trace("-- paused by data");
    MUST(pipe(ends));
    WEFT_TRY(read_pipe(&t, ends[0]));
    put(ends[1], "xxxxxxxxxx");
    WEFT_TRY(turns(3));
    put(ends[1], "yyyyyyyyyy");
    WEFT_TRY(turns(3));
    trace("resume");
    MUST(weft_transport_resume_reading(t.transport));
    WEFT_TRY(turns(3));
    MUST(weft_transport_close(t.transport));
    trace("closing %d", weft_transport_is_closing(t.transport));
    WEFT_TRY(await_lost(&t));
    close(ends[1]);
    tracer_end(&t);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(paused_by_task());
    return paused_by_data();
}

int main(void)
{
    return scenario_main_real(story);
}
