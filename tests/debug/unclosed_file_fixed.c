/* Closed and destroyed. */
#include <fcntl.h>
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_file *file;

    (void)arg;
    WEFT_TRY(weft_file_open("/dev/null", O_RDONLY, 0, &file));
    int r = weft_file_close(file);
    weft_file_destroy(file);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
