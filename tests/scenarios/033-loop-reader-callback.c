/*
 * 033-loop-reader-callback: A reader callback fires while data is there; removing it tells
 * whether it was installed.
 */
#include "support/scenario.h"

#include <string.h>
#include <unistd.h>

static int ends[2];

static int on_readable(void *data)
{
    char bytes[2];
    int n = MUST((int)read(ends[0], bytes, sizeof bytes));

    (void)data;
    trace("read %s", show(bytes, (size_t)n));
    if (memcmp(bytes, "ef", 2) == 0) {
        trace("removed=%d", weft_loop_remove_reader(NULL, ends[0]));
        trace("removed again=%d", weft_loop_remove_reader(NULL, ends[0]));
        MUST(weft_loop_call_later(NULL, WEFT_MS(30), stop_loop, NULL, NULL));
        MUST((int)write(ends[1], "ignored", 7));
    }
    return 0;
}

static int write_six(void *data)
{
    (void)data;
    MUST((int)write(ends[1], "abcdef", 6));
    return 0;
}

int main(void)
{
    weft_loop *loop = make_real_loop();

    MUST(pipe(ends));
    MUST(weft_loop_add_reader(loop, ends[0], on_readable, NULL));
    MUST(weft_loop_call_soon(loop, write_six, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    end_loop(loop);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
