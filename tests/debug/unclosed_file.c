/* A file is opened and forgotten. */
#include <fcntl.h>
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_file *file;

    (void)arg;
    return weft_file_open("/dev/null", O_RDONLY, 0, &file);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
