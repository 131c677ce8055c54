/* A callback fails: there is nobody above it who could be told. */
#include <weft/weft.h>

static int read_config(const char *path)
{
    return weft_fail(WEFT_EUSER(7), "no such section in %s", path);
}

static int on_reload(void *data)
{
    WEFT_TRY(read_config(data));
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
