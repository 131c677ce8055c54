/*
 * 242-subprocess-program-not-found: a program that does not exist is an error at start, not an
 * exit code.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;
    weft_process *proc;

    int r = weft_create_subprocess_exec(WEFT_ARGV("/nonexistent/program"), NULL, &proc);
    if (r < 0) {
        trace("%s", err(r));
    }
    options.err.kind = WEFT_PROCESS_DEVNULL;
    WEFT_TRY(weft_create_subprocess_shell("/nonexistent/program", &options, &proc));
    trace("by a shell: exit code %d", exit_code(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
