/*
 * subprocess-communicate-timeout-then-again: after a time limit around communicate, kill and
 * communicate again.
 */
#include "support/scenario.h"

static int talk(void *proc)
{
    return weft_process_communicate(proc, NULL, 0, NULL, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_program("sleep", "60", PIPE_OUT);
    weft_bytes *out;

    int r = weft_wait_for(weft_coro_create(talk, proc), WEFT_MS(50), NULL);
    if (r == WEFT_ETIMEDOUT) {
        trace("%s running %s", err(r), yes_or_no(is_running(proc)));
    }
    WEFT_TRY(weft_process_kill(proc));
    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, NULL));
    trace("out %zu returncode %d", out->size, weft_process_get_returncode(proc));
    weft_bytes_destroy(out);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
