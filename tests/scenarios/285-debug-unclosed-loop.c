/*
 * 285-debug-unclosed-loop: An event loop that is released without close() is reported; a closed
 * one is not.
 */
#include "support/scenario.h"

static void try_it(int closes)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_call_soon(loop, say, "loop ran", NULL));
    run_one_turn(loop);
    if (closes) {
        MUST(weft_loop_close(loop));
    }
    trace("closed=%d, releasing", weft_loop_is_closed(loop));
    weft_loop_unref(loop);
}

int main(void)
{
    watch_logs();
    try_it(1);
    try_it(0);
    trace("end");
    return 0;
}
