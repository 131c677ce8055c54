/* One that is not needed after all is closed. */
#include <stdio.h>
#include <weft/weft.h>

static int test(void *arg)
{
    (void)arg;
    puts("never scheduled");
    return 0;
}

int main(void)
{
    weft_coro *coro = weft_coro_create(test, NULL);

    weft_coro_close(coro);
    return 0;
}
