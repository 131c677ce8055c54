/*
 * 241-subprocess-kill-and-terminate: a program ended by a signal reports the negative signal
 * number.
 */
#include "support/scenario.h"

#include <signal.h>
#include <string.h>

static int story(void *arg)
{
    (void)arg;
    static const char *const names[] = { "kill", "terminate", "send_signal" };

    for (size_t i = 0; i < 3; i++) {
        const char *name = names[i];
        weft_process *proc = start_program("sleep", "60", NO_PIPE);
        trace("%s running=%d", name, is_running(proc));
        if (strcmp(name, "kill") == 0) {
            WEFT_TRY(weft_process_kill(proc));
        } else if (strcmp(name, "terminate") == 0) {
            WEFT_TRY(weft_process_terminate(proc));
        } else {
            WEFT_TRY(weft_process_send_signal(proc, SIGUSR1));
        }
        trace("%s exit code %d", name, exit_code(proc));
        weft_process_destroy(proc);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
