/*
 * pipe-transport-broken: A writer learns without writing that the reader is gone: no error when
 * nothing was queued, BrokenPipeError else; later writes are dropped, then warned about.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static const char bytes[300000];

static void on_record(const weft_log_record *record, void *data)
{
    (void)data;
    trace("log %s", record->message);
}

/* The reading end. */
static int connect_writer(struct tracer *tracer)
{
    int ends[2];

    MUST(pipe(ends));
    MUST(write_pipe(tracer, ends[1]));
    return ends[0];
}

static void write_more(const struct tracer *tracer, int n)
{
    for (int i = 0; i < n; i++) {
        trace("write %d", i);
        send_text(tracer->transport, "more");
    }
}

static int idle_case(void)
{
    struct tracer t = { .name = "idle" };

    close(connect_writer(&t));
    WEFT_TRY(await_lost(&t));
    write_more(&t, 7);
    tracer_end(&t);
    return 0;
}

static int queued_case(void)
{
    struct tracer t = { .name = "queued" };
    int reader = connect_writer(&t);

    MUST(weft_transport_write(t.transport, bytes, sizeof bytes));
    close(reader);
    WEFT_TRY(await_lost(&t));
    trace("queued %zu", weft_transport_get_write_buffer_size(t.transport));
    write_more(&t, 7);
    tracer_end(&t);
    return 0;
}

static int writing_case(void)
{
    struct tracer t = { .name = "writing" };

    close(connect_writer(&t));
    send_text(t.transport, "x");
    trace("closing %d", weft_transport_is_closing(t.transport));
    WEFT_TRY(turns(2));
    write_more(&t, 6);
    tracer_end(&t);
    return 0;
}

static int closing_case(void)
{
    struct tracer t = { .name = "closing" };
    int reader = connect_writer(&t);

    MUST(weft_transport_write(t.transport, bytes, sizeof bytes));
    MUST(weft_transport_close(t.transport));
    trace("closing %d", weft_transport_is_closing(t.transport));
    close(reader);
    WEFT_TRY(await_lost(&t));
    tracer_end(&t);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_log_set_sink(on_record, NULL);
    WEFT_TRY(idle_case());
    WEFT_TRY(queued_case());
    WEFT_TRY(writing_case());
    return closing_case();
}

int main(void)
{
    return scenario_main_real(story);
}
