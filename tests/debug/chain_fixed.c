/* Each is awaited before the next one: in C a plain call is enough. */
#include <stdio.h>
#include <weft/weft.h>

static int create_file(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(30)));
    puts("(1) create file");
    return 0;
}

static int write_file(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    puts("(2) write into file");
    return 0;
}

static int close_file(void *arg)
{
    (void)arg;
    puts("(3) close file");
    return 0;
}

static int test(void *arg)
{
    WEFT_TRY(create_file(arg));
    WEFT_TRY(write_file(arg));
    return close_file(arg);
}

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.virtual_clock = 1; /* no time passes but by waiting */
    return weft_run_with(test, NULL, &options, NULL) == 0 ? 0 : 1;
}
