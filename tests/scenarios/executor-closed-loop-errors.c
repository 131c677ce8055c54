/*
 * executor-closed-loop-errors: Every crossing refuses a closed loop with the same text.
 */
#include "support/scenario.h"

#include <pthread.h>

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void attempt(const char *name, int r)
{
    trace("%s: %s", name, message(r));
}

static void *from_thread(void *loop)
{
    weft_concurrent_future *future;

    attempt("call_soon_threadsafe", weft_loop_call_soon_threadsafe(loop, nothing, NULL, NULL));
    attempt("run_coroutine_threadsafe",
            weft_run_coroutine_threadsafe(weft_coro_create(nothing, NULL), loop, &future));
    weft_raise(NULL);
    return NULL;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    weft_future *future;
    pthread_t thread;

    MUST(weft_loop_close(loop));
    attempt("run_in_executor", weft_loop_run_in_executor(loop, NULL, nothing, NULL, &future));
    attempt("call_soon_threadsafe", weft_loop_call_soon_threadsafe(loop, nothing, NULL, NULL));
    MUST(-pthread_create(&thread, NULL, from_thread, loop));
    MUST(-pthread_join(thread, NULL));
    weft_loop_unref(loop);
    weft_raise(NULL);
    return 0;
}
