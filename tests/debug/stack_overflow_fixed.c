/* Such a task asks for a larger stack. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

static int sum(int depth)
{
    char page[4096];

    memset(page, depth, sizeof page);
    return depth == 0 ? 0 : page[17] + sum(depth - 1);
}

static int deep(void *arg)
{
    (void)arg;
    return sum(100) > 0 ? 0 : WEFT_EUSER(1);
}

static int main_task(void *arg)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task *task;

    (void)arg;
    options.stack_size = 1024 * 1024;
    WEFT_TRY(weft_task_create(NULL, weft_coro_create(deep, NULL), &options, &task));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    puts("deep enough");
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
