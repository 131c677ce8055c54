/* A handle is awaited and given back. */
#include <stdio.h>
#include <weft/weft.h>

static int parse(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_EUSER(1), "line 3 has no key");
}

static int load(void *arg)
{
    WEFT_TRY(parse(arg));
    return 0;
}

static int main_task(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(load, NULL), &task));
    WEFT_TRY(weft_task_set_name(task, "load-config"));
    int r = weft_await(task, NULL);
    if (r < 0) {
        printf("no config: %s\n", weft_current_message(r));
    }
    weft_future_unref(task);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
