/* A watch ends by its destroy. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_file_watch *watch;
    int id;

    (void)arg;
    WEFT_TRY(weft_file_watch_create(&watch));
    int r = weft_file_watch_add(watch, "/", WEFT_FILE_CREATED, &id);
    weft_file_watch_destroy(watch);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
