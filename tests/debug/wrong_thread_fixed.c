/* The names that end in _threadsafe may be called from any thread. */
#include <stdio.h>
#include <weft/weft.h>

static int callback(void *data)
{
    (void)data;
    puts("called");
    return 0;
}

static int work(void *loop)
{
    return weft_loop_call_soon_threadsafe(loop, callback, NULL, NULL);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_to_thread(work, weft_get_running_loop(), NULL));
    return weft_sleep(0);
}

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.name = "main";
    return weft_run_with(main_task, NULL, &options, NULL) == 0 ? 0 : 1;
}
