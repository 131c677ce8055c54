/*
 * subprocess-read-to-end-after-exit: what a program wrote can be read after its exit was waited
 * for.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("echo left behind; exit 2", PIPE_OUT);
    char text[64];
    size_t n;

    trace("exit code %d", exit_code(proc));
    WEFT_TRY(read_all(weft_process_get_stdout(proc), text, sizeof text, &n));
    trace("rest %.*s", (int)n - 1, text);
    trace("at end %s", yes_or_no(weft_stream_at_eof(weft_process_get_stdout(proc))));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
