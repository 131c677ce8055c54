/* A task needs more stack than it has. */
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
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(deep, NULL), &task));
    WEFT_TRY(weft_task_set_name(task, "deep-1"));
    int r = weft_await(task, NULL);
    weft_future_unref(task);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
