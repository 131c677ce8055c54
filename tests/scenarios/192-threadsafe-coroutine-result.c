/*
 * 192-threadsafe-coroutine-result: run_coroutine_threadsafe hands a coroutine's result to the
 * calling thread.
 */
#include "support/scenario.h"

#include <pthread.h>

static pthread_t loop_thread;

struct add {
    int a;
    int b;
};

static int add(void *arg)
{
    const struct add *me = arg;

    WEFT_TRY(weft_sleep(0));
    trace("coroutine in loop thread=%d", pthread_equal(pthread_self(), loop_thread) != 0);
    return weft_return_int(me->a + me->b);
}

static int worker(void *loop)
{
    struct add numbers = { 2, 3 };
    weft_concurrent_future *future;
    weft_value value;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(add, &numbers), loop, &future));
    WEFT_TRY(weft_concurrent_future_result(future, WEFT_S(30), &value));
    trace("thread got %d", (int)value.as.num);
    weft_concurrent_future_unref(future);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    loop_thread = pthread_self();
    return weft_to_thread(worker, weft_get_running_loop(), NULL);
}

int main(void)
{
    return scenario_main_real(story);
}
