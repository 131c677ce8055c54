/*
 * pipe-transport-watermarks: pause_writing above the high mark, resume_writing when the queue is
 * empty; a close waits for the queue.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <fcntl.h>
#include <unistd.h>

static const char bytes[300000];

static int write_more(struct tracer *t)
{
    trace("w queue %zu", weft_transport_get_write_buffer_size(t->transport));
    if (++t->n == 1) {
        MUST(weft_transport_write(t->transport, bytes, sizeof bytes));
        trace("written again");
        return 0;
    }
    return weft_transport_close(t->transport);
}

/* Put <t> on a new pipe; returns the plain reading end. */
static int connect_writer(struct tracer *t)
{
    int ends[2];

    MUST(pipe(ends));
    MUST(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    MUST(write_pipe(t, ends[1]));
    return ends[0];
}

static int drain(struct tracer *t, int reader)
{
    size_t n = 0;

    while (!weft_future_done(t->lost)) {
        n += receive(reader, NULL, 0);
        WEFT_TRY(weft_sleep(0));
    }
    n += receive(reader, NULL, 0);
    trace("received %zu", n);
    close(reader);
    return 0;
}

static void show_limits(const struct tracer *t)
{
    size_t low;
    size_t high;

    MUST(weft_transport_get_write_buffer_limits(t->transport, &low, &high));
    trace("%zu %zu", low, high);
}

static int story(void *arg)
{
    (void)arg;
    struct tracer t = { .name = "w", .resume = write_more };
    int reader = connect_writer(&t);

    show_limits(&t);
    MUST(weft_transport_set_write_buffer_limits(t.transport, 100000, WEFT_WATER_DEFAULT));
    show_limits(&t);
    MUST(weft_transport_write(t.transport, bytes, 65536));
    trace("queue %zu", weft_transport_get_write_buffer_size(t.transport));
    MUST(weft_transport_write(t.transport, bytes, 100000));
    trace("queue %zu", weft_transport_get_write_buffer_size(t.transport));
    MUST(weft_transport_write(t.transport, bytes, 1));
    WEFT_TRY(drain(&t, reader));
    tracer_end(&t);

    trace("-- close with a queue");
    t = (struct tracer){ .name = "w" };
    reader = connect_writer(&t);
    MUST(weft_transport_write(t.transport, bytes, 200000));
    MUST(weft_transport_close(t.transport));
    send_text(t.transport, "dropped");
    WEFT_TRY(drain(&t, reader));
    tracer_end(&t);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
