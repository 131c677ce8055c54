/*
 * pipe-transport-order: The order of callbacks of both ends: data, the end and the loss of the
 * reader, close and abort of the writer, each in its turn.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static void end_both(struct tracer *r, struct tracer *w)
{
    tracer_end(r);
    tracer_end(w);
}

static int close_case(void)
{
    struct tracer r = { .name = "r", .data = say_soon, .eof = say_soon };
    struct tracer w = { .name = "w" };

    trace("-- close");
    connect_pipes(&r, &w);
    send_text(w.transport, "one");
    WEFT_TRY(turns(3));
    MUST(weft_transport_close(w.transport));
    trace("closing %d", weft_transport_is_closing(w.transport));
    for (int i = 0; i < 4; i++) {
        WEFT_TRY(weft_sleep(0));
        trace("turn %d", i);
    }
    WEFT_TRY(await_lost(&r));
    end_both(&r, &w);
    return 0;
}

static int eof_case(void)
{
    const weft_buffer pieces[] = { { "a", 1 }, { "b", 1 }, { NULL, 0 }, { "c", 1 } };
    struct tracer r = { .name = "r", .eof = keep_open };
    struct tracer w = { .name = "w" };

    trace("-- write_eof");
    connect_pipes(&r, &w);
    trace("can write eof %d", weft_transport_can_write_eof(w.transport));
    MUST(weft_transport_writelines(w.transport, pieces, 4));
    MUST(weft_transport_write_eof(w.transport));
    MUST(weft_transport_write_eof(w.transport));
    MUST(weft_transport_close(w.transport));
    WEFT_TRY(await_lost(&w));
    WEFT_TRY(await_lost(&r));
    trace("closing %d", weft_transport_is_closing(r.transport));
    end_both(&r, &w);
    return 0;
}

static int abort_case(void)
{
    static const char bytes[300000];
    struct tracer r = { .name = "r", .quiet = 1 };
    struct tracer w = { .name = "w" };

    trace("-- abort");
    connect_pipes(&r, &w);
    MUST(weft_transport_pause_reading(r.transport));
    MUST(weft_transport_write(w.transport, bytes, sizeof bytes));
    trace("queued %d", weft_transport_get_write_buffer_size(w.transport) > 0);
    MUST(weft_transport_abort(w.transport));
    trace("queued %zu", weft_transport_get_write_buffer_size(w.transport));
    WEFT_TRY(turns(3));
    MUST(weft_transport_resume_reading(r.transport));
    WEFT_TRY(await_lost(&r));
    trace("some came %d", r.n_bytes > 0 && r.n_bytes < sizeof bytes);
    end_both(&r, &w);
    return 0;
}

static int reader_closes_case(void)
{
    struct tracer r = { .name = "r", .data = close_it };
    struct tracer w = { .name = "w" };

    trace("-- the reader closes");
    connect_pipes(&r, &w);
    send_text(w.transport, "x");
    WEFT_TRY(await_lost(&w));
    end_both(&r, &w);
    return 0;
}

static int at_once_case(void)
{
    struct tracer r = { .name = "r", .made = close_it };
    struct tracer w = { .name = "w", .made = close_it };
    int ends[2];

    trace("-- closed in connection_made");
    MUST(pipe(ends));
    WEFT_TRY(read_pipe(&r, ends[0]));
    trace("connected");
    WEFT_TRY(turns(2));
    WEFT_TRY(write_pipe(&w, ends[1]));
    trace("connected");
    WEFT_TRY(turns(2));
    end_both(&r, &w);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(close_case());
    WEFT_TRY(eof_case());
    WEFT_TRY(abort_case());
    WEFT_TRY(reader_closes_case());
    return at_once_case();
}

int main(void)
{
    return scenario_main_real(story);
}
