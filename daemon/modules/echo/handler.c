/*
 * Echo: what came is sent at once, from the memory it was read into; who does
 * not read is waited for, so that nothing piles up here.
 *
 * Thread: the loop's, one task per connection.
 */

#include "handler.h"

int echo_serve(weft_stream *stream, weft_duration idle_limit)
{
    WEFT_TRY(weft_stream_set_read_limit(stream, idle_limit));
    WEFT_TRY(weft_stream_set_write_limit(stream, idle_limit));
    for (;;) {
        char *data;
        size_t n;
        int r = weft_stream_read_view(stream, &data, &n);
        if (r == WEFT_ETIMEDOUT || (r == 0 && n == 0)) {
            return 0;
        }
        WEFT_TRY(r);
        WEFT_TRY(weft_stream_write(stream, data, n));
        r = weft_stream_drain(stream);
        if (r == WEFT_ETIMEDOUT) {
            return weft_stream_abort(stream); /* The client does not read. */
        }
        WEFT_TRY(r);
    }
}
