/*
 * 046-future-cancel-done: cancel() of a finished future is refused and changes nothing.
 */
#include "support/scenario.h"

static void try_to_cancel(weft_future *future)
{
    int cancelled = weft_future_cancel(future, NULL) == 0;

    trace("cancel=%d cancelled=%d", cancelled, weft_future_cancelled(future));
}

int main(void)
{
    weft_loop *loop = make_loop();
    weft_future *good = MUST_HAVE(weft_loop_create_future(loop));
    weft_future *bad = MUST_HAVE(weft_loop_create_future(loop));
    const weft_error *error = NULL;

    set_text(good, "kept");
    MUST(weft_future_set_exception(bad, VALUE_ERROR, "kept too"));
    try_to_cancel(good);
    try_to_cancel(bad);
    trace("%s", result_text(good));
    (void)weft_future_exception(bad, &error); /* the code is known, the text is asked for */
    trace("%s", weft_error_get_message(error));
    weft_future_unref(good);
    weft_future_unref(bad);
    end_loop(loop);
    return 0;
}
