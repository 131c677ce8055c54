/* Nobody stops watching for changes of a folder. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_file_watch *watch;
    int id;

    (void)arg;
    WEFT_TRY(weft_file_watch_create(&watch));
    return weft_file_watch_add(watch, "/", WEFT_FILE_CREATED, &id);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
