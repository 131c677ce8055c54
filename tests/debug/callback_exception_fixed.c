/* A callback deals with its failures itself. */
#include <stdio.h>
#include <weft/weft.h>

static int read_config(const char *path)
{
    return weft_fail(WEFT_EUSER(7), "no such section in %s", path);
}

static int on_reload(void *data)
{
    int r = read_config(data);

    if (r < 0) {
        printf("the old configuration stays: %s\n", weft_current_message(r));
    }
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_loop_call_soon(NULL, on_reload, "site.conf", NULL));
    return weft_sleep(0);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
