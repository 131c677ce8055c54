/* What blocks or computes runs on threads of its own. */
#include <stdio.h>
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
    weft_future *computed;

    (void)arg;
    WEFT_TRY(weft_loop_run_in_executor(NULL, NULL, compute, NULL, &computed));
    WEFT_TRY(weft_to_thread(save, NULL, NULL));
    WEFT_TRY(weft_await(computed, NULL));
    weft_future_unref(computed);
    puts("both done");
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
