/*
 * 034-loop-reader-replaced: Installing a second reader on a descriptor replaces the first one.
 */
#include "support/scenario.h"

#include <unistd.h>

static int ends[2];

static int reader(void *name)
{
    char bytes[10];
    int n = MUST((int)read(ends[0], bytes, sizeof bytes));

    trace("%s %s", (const char *)name, show(bytes, (size_t)n));
    return weft_loop_stop(NULL);
}

int main(void)
{
    weft_loop *loop = make_real_loop();

    MUST(pipe(ends));
    MUST(weft_loop_add_reader(loop, ends[0], reader, "old"));
    MUST(weft_loop_add_reader(loop, ends[0], reader, "new"));
    MUST((int)write(ends[1], "x", 1));
    MUST(weft_loop_run_forever(loop));
    trace("removed=%d", weft_loop_remove_reader(loop, ends[0]));
    end_loop(loop);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
