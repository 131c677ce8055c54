/*
 * pipe-back-pressure: drain waits while the pipe and the queue are full, and goes on when somebody
 * reads.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    SIZE = 400000
};

static int drain(void *stream)
{
    return weft_stream_drain(stream);
}

static int story(void *arg)
{
    weft_stream *reader;
    weft_stream *writer;
    size_t n;
    size_t rest;
    int ends[2];

    (void)arg;
    char *much = calloc(1, SIZE);
    MUST_HAVE(much);
    MUST(pipe(ends));
    WEFT_TRY(weft_connect_write_pipe(ends[1], NULL, &writer));
    WEFT_TRY(weft_stream_write(writer, much, SIZE));
    weft_task *draining = spawn(drain, writer);
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("drained %s", truth(weft_future_done(draining)));
    WEFT_TRY(weft_connect_read_pipe(ends[0], NULL, &reader));
    WEFT_TRY(weft_stream_readexactly(reader, much, 350000, &n));
    WEFT_TRY(weft_await(draining, NULL));
    trace("drained %s", truth(weft_future_done(draining)));
    weft_future_unref(draining);
    WEFT_TRY(weft_stream_write_eof(writer));
    WEFT_TRY(read_all(reader, much, SIZE, &rest));
    trace("read %zu", n + rest);
    WEFT_TRY(end_stream(writer));
    WEFT_TRY(end_stream(reader));
    free(much);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
