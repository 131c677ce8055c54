/*
 * transport-write-after-lost: Writing to a peer that is gone tells connection_lost the error;
 * later writes are silent, and warned about from the fifth on.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <unistd.h>

static int write_last_words(struct tracer *a)
{
    send_text(a->transport, "last words");
    return 0;
}

static void on_record(const weft_log_record *record, void *data)
{
    (void)data;
    trace("log %s", record->message);
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a", .lost_hook = write_last_words };
    weft_log_set_sink(on_record, NULL);
    int peer = connect_tracer(&a);

    MUST(weft_transport_pause_reading(a.transport));
    close(peer);
    send_text(a.transport, "one");
    trace("closing %d", weft_transport_is_closing(a.transport));
    send_text(a.transport, "two");
    WEFT_TRY(turns(2));
    for (int i = 0; i < 6; i++) {
        trace("write %d", i);
        send_text(a.transport, "more");
    }
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
