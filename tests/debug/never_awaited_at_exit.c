/* Made without a loop: reported at the end of the process. */
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
    weft_coro_create(test, NULL);
    return 0;
}
