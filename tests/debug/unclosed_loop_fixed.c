/* Closed, then given back. */
#include <weft/weft.h>

int main(void)
{
    weft_loop *loop;

    if (weft_new_event_loop(NULL, &loop) < 0) {
        return 1;
    }
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return 0;
}
