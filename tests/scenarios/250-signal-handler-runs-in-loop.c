/*
 * 250-signal-handler-runs-in-loop: A signal handler runs as a loop callback, not inside the
 * signal.
 */
#include "support/scenario.h"

#include <signal.h>
#include <unistd.h>

struct story {
    const char *name;
    weft_future *got;
};

static int handler(void *data)
{
    struct story *story = data;

    trace("handler %s", story->name);
    return open_gate(story->got);
}

static int story(void *arg)
{
    (void)arg;
    struct story story = { "usr1", make_future() };

    MUST(weft_loop_add_signal_handler(NULL, SIGUSR1, handler, &story));
    MUST(kill(getpid(), SIGUSR1));
    trace("kill returned, handled=%d", weft_future_done(story.got));
    WEFT_TRY(join(story.got, NULL));
    trace("removed=%d", weft_loop_remove_signal_handler(NULL, SIGUSR1));
    trace("removed again=%d", weft_loop_remove_signal_handler(NULL, SIGUSR1));
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
