/*
 * 208-reader-readuntil-eof: EOF without the separator: IncompleteReadError with the partial data
 * and no expected size.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    struct feed r = feed_create(0);
    char *partial;
    size_t n;

    feed_text(&r, "no separator");
    MUST(weft_loop_call_soon(NULL, feed_eof_later, &r, NULL));
    int e = weft_stream_readuntil(r.stream, "\n", 1, &partial, &n);
    if (e == WEFT_EINCOMPLETEREAD) {
        trace("%s partial %s expected none=%d", err(e), show(partial, n),
              weft_current_detail(e) < 0);
    }
    feed_destroy(&r);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
