/*
 * pipe-errors: what is no pipe is refused; the writer notices that its reader has gone.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <stdio.h>
#include <unistd.h>

static int story(void *arg)
{
    weft_stream *stream;
    int ends[2];

    (void)arg;
    FILE *file = tmpfile();
    MUST_HAVE(file);
    trace("%s", weft_error_asyncio_name(weft_connect_read_pipe(fileno(file), NULL, &stream)));
    trace("%s", weft_error_asyncio_name(weft_connect_write_pipe(fileno(file), NULL, &stream)));
    fclose(file);
    MUST(pipe(ends));
    WEFT_TRY(weft_connect_write_pipe(ends[1], NULL, &stream));
    write_text(stream, "x");
    trace("closing %s", truth(weft_stream_is_closing(stream)));
    close(ends[0]);
    WEFT_TRY(sleep_turns(3));
    trace("closing %s", truth(weft_stream_is_closing(stream)));
    WEFT_TRY(weft_stream_close(stream));
    weft_stream_destroy(stream);
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main_real(story);
}
