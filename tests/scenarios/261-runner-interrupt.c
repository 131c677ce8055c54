/*
 * 261-runner-interrupt: SIGINT cancels the main task; after its cleanup run() reports the
 * interrupt.
 */
#include "support/scenario.h"

#include <signal.h>
#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    MUST(kill(getpid(), SIGINT));
    int r = weft_sleep(WEFT_S(60));
    if (r == WEFT_ECANCELED) {
        trace("main %s", err(r));
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
        trace("main cleanup over");
    }
    return r;
}

int main(void)
{
    /* In case the program was started with SIGINT ignored. */
    signal(SIGINT, SIG_DFL);
    int r = weft_run(story, NULL);
    if (r < 0) {
        trace("run: %s", err(r));
    }
    return 0;
}
