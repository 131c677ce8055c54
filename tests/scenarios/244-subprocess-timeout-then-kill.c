/*
 * 244-subprocess-timeout-then-kill: the usual pattern: wait_for a program, on timeout kill it and
 * collect it.
 */
#include "support/scenario.h"

static int wait_for_exit(void *proc)
{
    return weft_process_wait(proc, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_program("sleep", "60", NO_PIPE);

    int r = weft_wait_for(weft_coro_create(wait_for_exit, proc), WEFT_MS(50), NULL);
    if (r == WEFT_ETIMEDOUT) {
        trace("%s running=%d", err(r), is_running(proc));
    }
    WEFT_TRY(weft_process_kill(proc));
    trace("exit code %d", exit_code(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
