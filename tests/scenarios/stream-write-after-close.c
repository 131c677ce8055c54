/*
 * stream-write-after-close: Closing sends what was written; waiting for it twice is harmless.
 */
#include "support/scenario.h"

#include <sys/socket.h>
#include <unistd.h>

static int story(void *arg)
{
    weft_stream *stream;
    char first[100];
    char second[100];
    int ends[2];

    (void)arg;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    MUST(weft_stream_from_fd(ends[0], NULL, &stream));
    trace("closing %d", weft_stream_is_closing(stream));
    write_text(stream, "before");
    WEFT_TRY(weft_stream_drain(stream));
    MUST(weft_stream_close(stream));
    trace("closing %d", weft_stream_is_closing(stream));
    WEFT_TRY(weft_stream_wait_closed(stream));
    WEFT_TRY(weft_stream_wait_closed(stream));
    size_t n = (size_t)MUST((int)recv(ends[1], first, sizeof first, 0));
    size_t m = (size_t)MUST((int)recv(ends[1], second, sizeof second, 0));
    trace("peer got %s then %s", show(first, n), show(second, m));
    close(ends[1]);
    weft_stream_destroy(stream);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
