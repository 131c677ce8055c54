/* The last reference ends the threads. */
#include <weft/weft.h>

static int compute(void *arg)
{
    (void)arg;
    return weft_return_int(42);
}

static int main_task(void *arg)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *executor;
    weft_future *future;

    (void)arg;
    options.name = "compute";
    WEFT_TRY(weft_executor_create(&options, &executor));
    WEFT_TRY(weft_loop_run_in_executor(NULL, executor, compute, NULL, &future));
    int r = weft_await(future, NULL);
    weft_future_unref(future);
    weft_executor_unref(executor);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
