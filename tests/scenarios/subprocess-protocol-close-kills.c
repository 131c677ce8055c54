/*
 * subprocess-protocol-close-kills: closing the transport of a running program kills it; its end is
 * still told.
 */
#include "support/scenario.h"

static int process_exited(weft_process *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("exited");
    return 0;
}

static int connection_lost(weft_process *transport, int code, void *done)
{
    (void)transport;
    trace("lost %s", code == 0 ? "None" : err(code));
    return weft_future_set_result(done, weft_value_none());
}

static const weft_subprocess_protocol protocol = {
    .size = sizeof protocol,
    .process_exited = process_exited,
    .connection_lost = connection_lost,
};

static int story(void *arg)
{
    (void)arg;
    weft_future *done = make_future();
    weft_process *transport;

    WEFT_TRY(weft_loop_subprocess_exec(NULL, &protocol, done, WEFT_ARGV("sleep", "60"), NULL,
                                       &transport));
    trace("closing %s", yes_or_no(weft_process_is_closing(transport)));
    MUST(weft_process_close(transport));
    trace("closing %s", yes_or_no(weft_process_is_closing(transport)));
    WEFT_TRY(join(done, NULL));
    trace("code %d", weft_process_get_returncode(transport));
    weft_process_destroy(transport);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
