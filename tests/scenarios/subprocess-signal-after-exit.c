/*
 * subprocess-signal-after-exit: after its exit a program takes no signal, and the return code
 * stays.
 */
#include "support/scenario.h"

#include <signal.h>

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("exit 9", NO_PIPE);

    trace("exit code %d", exit_code(proc));
    trace("kill %s", err(weft_process_kill(proc)));
    trace("terminate %s", err(weft_process_terminate(proc)));
    trace("send_signal %s", err(weft_process_send_signal(proc, SIGUSR1)));
    trace("returncode %d", weft_process_get_returncode(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
