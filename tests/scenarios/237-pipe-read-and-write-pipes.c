/*
 * 237-pipe-read-and-write-pipes: A pipe connected to the loop on both ends; closing the writing end
 * gives EOF.
 */
#include "support/scenario.h"

#include <unistd.h>

static int story(void *arg)
{
    weft_stream *reader;
    weft_stream *writer;
    char *line;
    size_t n;
    int ends[2];

    (void)arg;
    MUST(pipe(ends));
    WEFT_TRY(weft_connect_read_pipe(ends[0], NULL, &reader));
    WEFT_TRY(weft_connect_write_pipe(ends[1], NULL, &writer));
    write_text(writer, "first\nsec");
    WEFT_TRY(weft_stream_readline(reader, &line, &n));
    trace("%s", show(line, n));
    write_text(writer, "ond");
    WEFT_TRY(end_stream(writer));
    char rest[64];
    WEFT_TRY(read_all(reader, rest, sizeof rest, &n));
    trace("%s", show(rest, n));
    WEFT_TRY(end_stream(reader));
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main_real(story);
}
