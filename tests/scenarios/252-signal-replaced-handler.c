/*
 * 252-signal-replaced-handler: A second handler for the same signal replaces the first.
 */
#include "support/scenario.h"

#include <signal.h>
#include <unistd.h>

static int set_second(void *future)
{
    set_text(future, "second");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *got = make_future();
    weft_value value;

    MUST(weft_loop_add_signal_handler(NULL, SIGUSR1, say, "first (must not run)"));
    MUST(weft_loop_add_signal_handler(NULL, SIGUSR1, set_second, got));
    MUST(kill(getpid(), SIGUSR1));
    WEFT_TRY(join(got, &value));
    trace("%s", text_of(value));
    MUST(weft_loop_remove_signal_handler(NULL, SIGUSR1));
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
