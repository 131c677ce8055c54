/* Blocking work in threads, two at a time, in a group that ends as one. */
#include <stdio.h>
#include <weft/weft.h>

/* Blocks: it runs on a thread of the executor. */
static int shrink(void *image)
{
    long size = 0;
    for (const char *at = image; *at != '\0'; at++) {
        size++;
    }
    return weft_return_int(size / 2);
}

static int work(void *image)
{
    weft_value size;
    WEFT_TRY(weft_to_thread(shrink, image, &size)); /* the loop goes on meanwhile */
    printf("%lld bytes\n", (long long)size.as.num);
    return 0;
}

static int all(void *arg)
{
    char **images = arg;
    weft_task_group *group = weft_task_group_create();
    WEFT_TRY(weft_task_group_enter(group));
    weft_task_group_create_task(group, weft_coro_create(work, images[0]), NULL);
    weft_task_group_create_task(group, weft_coro_create(work, images[1]), NULL);
    int r = weft_task_group_exit(group, 0); /* a failure of one cancels the other */
    weft_task_group_destroy(group);
    return r;
}

int main(void)
{
    char *images[] = { "a picture", "another picture" };
    return weft_run(all, images) == 0 ? 0 : 1;
}
