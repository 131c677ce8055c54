/*
 * 295-pattern-terminate-then-kill: a child that ignores SIGTERM is killed after a grace period.
 */
#include "support/scenario.h"

#include <stdio.h>

static int wait_for_exit(void *proc)
{
    int code;

    WEFT_TRY(weft_process_wait(proc, &code));
    return weft_return_int(code);
}

static int stop(weft_process *proc, weft_duration grace)
{
    weft_value value;

    MUST(weft_process_terminate(proc));
    int r = weft_wait_for(weft_coro_create(wait_for_exit, proc), grace, &value);
    if (r != WEFT_ETIMEDOUT) {
        MUST(r);
        return (int)value.as.num;
    }
    trace("still there, killing");
    MUST(weft_process_kill(proc));
    return exit_code(proc);
}

static int story(void *arg)
{
    (void)arg;
    static const char *const traps[] = { "trap 'exit 0' TERM", "trap '' TERM" };
    static const weft_duration graces[] = { WEFT_S(10), WEFT_MS(100) };

    for (size_t i = 0; i < 2; i++) {
        char line[128];
        char *text;
        size_t n;
        snprintf(line, sizeof line, "%s; echo up; while :; do sleep 0.02; done", traps[i]);
        weft_process *proc = start_shell(line, PIPE_OUT);
        WEFT_TRY(weft_stream_readline(weft_process_get_stdout(proc), &text, &n));
        trace("exit code %d", stop(proc, graces[i]));
        weft_process_destroy(proc);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
