/* Blocking work in threads, two at a time, in a group that ends as one. */
#include <stdio.h>
#include <weft/weft.h>

struct image {
    const char *pixels;
    long size;
};

/* Blocks: it runs on a thread of the executor. */
static int shrink(void *arg)
{
    struct image *image = arg;
    for (const char *at = image->pixels; *at != '\0'; at++) {
        image->size++;
    }
    image->size /= 2;
    return 0;
}

static int work(void *image)
{
    return weft_to_thread(shrink, image, NULL); /* the loop goes on meanwhile */
}

static int all(void *arg)
{
    struct image *images = arg;
    weft_task_group *group = weft_task_group_create();
    WEFT_TRY(weft_task_group_enter(group));
    weft_task_group_create_task(group, weft_coro_create(work, &images[0]), NULL);
    weft_task_group_create_task(group, weft_coro_create(work, &images[1]), NULL);
    int r = weft_task_group_exit(group, 0); /* a failure of one cancels the other */
    weft_task_group_destroy(group);
    printf("%ld and %ld bytes\n", images[0].size, images[1].size);
    return r;
}

int main(void)
{
    struct image images[] = { { "a picture", 0 }, { "another picture", 0 } };
    return weft_run(all, images) == 0 ? 0 : 1;
}
