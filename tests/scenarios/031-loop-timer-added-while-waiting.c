/*
 * 031-loop-timer-added-while-waiting: A timer added from another thread's callback shortens the
 * loop's current wait.
 */
#include "support/scenario.h"

#include <pthread.h>

static int add_short_timer(void *data)
{
    (void)data;
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), say, "short timer", NULL));
    return weft_loop_call_later(NULL, WEFT_MS(30), stop_loop, NULL, NULL);
}

static void *other_thread(void *loop)
{
    block_for(WEFT_MS(50));
    MUST(weft_loop_call_soon_threadsafe(loop, add_short_timer, NULL, NULL));
    return NULL;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    weft_time started = weft_loop_time(loop);
    pthread_t thread;

    MUST(weft_loop_call_later(loop, WEFT_S(30), say, "long timer (must not fire)", NULL));
    MUST(-pthread_create(&thread, NULL, other_thread, loop));
    MUST(weft_loop_run_forever(loop));
    pthread_join(thread, NULL);
    trace("took long=%d", weft_loop_time(loop) - started > WEFT_S(10));
    end_loop(loop);
    return 0;
}
