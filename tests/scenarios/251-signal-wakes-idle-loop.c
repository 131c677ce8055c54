/*
 * 251-signal-wakes-idle-loop: A signal wakes a loop that has nothing to do but wait.
 */
#include "support/scenario.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static int handler(void *data)
{
    (void)data;
    trace("handler");
    return weft_loop_stop(NULL);
}

static void *other_thread(void *data)
{
    (void)data;
    block_for(WEFT_MS(50));
    MUST(kill(getpid(), SIGUSR2));
    return NULL;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    pthread_t thread;

    MUST(weft_loop_add_signal_handler(loop, SIGUSR2, handler, NULL));
    MUST(-pthread_create(&thread, NULL, other_thread, NULL));
    MUST(weft_loop_run_forever(loop));
    pthread_join(thread, NULL);
    end_loop(loop);
    trace("stopped");
    return 0;
}
