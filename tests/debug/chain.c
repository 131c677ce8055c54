/* Three tasks that should follow each other are started at once, and the loop does not wait. */
#include <stdio.h>
#include <weft/weft.h>

static int create_file(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(30)));
    puts("(1) create file");
    return 0;
}

static int write_file(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    puts("(2) write into file");
    return 0;
}

static int close_file(void *arg)
{
    (void)arg;
    puts("(3) close file");
    return 0;
}

static int test(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(create_file, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(write_file, NULL), NULL));
    WEFT_TRY(weft_create_task(weft_coro_create(close_file, NULL), NULL));
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    return weft_loop_stop(NULL);
}

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop;

    options.virtual_clock = 1; /* no time passes but by waiting */
    if (weft_new_event_loop(&options, &loop) < 0) {
        return 1;
    }
    weft_loop_create_task(loop, weft_coro_create(test, NULL), NULL, NULL);
    weft_loop_run_forever(loop);
    printf("Pending tasks at exit: %d\n", weft_all_tasks(loop, NULL, 0));
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return 0;
}
