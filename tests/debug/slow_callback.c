/* A callback computes too long, a coroutine calls something that blocks. */
#include <time.h>
#include <weft/weft.h>

static int compute(void *data)
{
    clock_t start = clock();

    (void)data;
    while (clock() - start < CLOCKS_PER_SEC / 20) {
    }
    return 0;
}

static int save(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    return 0;
}

static int main_task(void *arg)
{
    weft_task *task;

    (void)arg;
    weft_loop_set_slow_callback_duration(NULL, WEFT_MS(40));
    WEFT_TRY(weft_loop_call_soon(NULL, compute, NULL, NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(save, NULL), &task));
    WEFT_TRY(weft_await(task, NULL));
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
