/*
 * 294-pattern-restart-failing-child: a program is restarted while it fails, up to a limit, and
 * left alone once it ends well.
 */
#include "support/scenario.h"

#include <stdio.h>

static int supervise(const char *name, const int *codes, int limit)
{
    for (int attempt = 1;; attempt++) {
        char line[32];
        snprintf(line, sizeof line, "exit %d", codes[attempt - 1]);
        weft_process *proc = start_shell(line, NO_PIPE);
        int got = exit_code(proc);
        weft_process_destroy(proc);
        trace("%s attempt %d exit code %d", name, attempt, got);
        if (got == 0) {
            trace("%s ended well", name);
            return 0;
        }
        if (attempt == limit) {
            trace("%s given up", name);
            return 0;
        }
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
    }
}

static int story(void *arg)
{
    (void)arg;
    static const int flaky[] = { 3, 1, 0, 9 };
    static const int broken[] = { 1, 1, 1, 1 };

    WEFT_TRY(supervise("flaky", flaky, 5));
    return supervise("broken", broken, 3);
}

int main(void)
{
    return scenario_main_real(story);
}
