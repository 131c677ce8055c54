/*
 * A service module for tests with many connections. The first byte says what a
 * connection gets:
 *
 *     p   the number of the thread that serves it, and then nothing until the client ends it
 *     m   `size` bytes, as fast as the client takes them
 *     e   what it sends, back
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/service.h>

enum {
    PIECE = 4 * 1024
};

static int say_place(weft_stream *stream)
{
    char text[32];
    size_t n;

    snprintf(text, sizeof(text), "%d\n", (int)gettid());
    WEFT_TRY(weft_stream_write(stream, text, strlen(text)));
    return weft_stream_read(stream, text, 1, &n);
}

static int pour(weft_stream *stream, int64_t size)
{
    static const char piece[PIECE];

    while (size > 0) {
        size_t n = size < PIECE ? (size_t)size : PIECE;
        WEFT_TRY(weft_stream_write(stream, piece, n));
        WEFT_TRY(weft_stream_drain(stream));
        size -= (int64_t)n;
    }
    return 0;
}

static int echo(weft_stream *stream)
{
    char data[1024];
    size_t n;

    for (;;) {
        WEFT_TRY(weft_stream_read(stream, data, sizeof(data), &n));
        if (n == 0) {
            return 0;
        }
        WEFT_TRY(weft_stream_write(stream, data, n));
    }
}

static int connected(weft_service *service, weft_stream *stream)
{
    char byte = 0;
    size_t n = 0;

    WEFT_TRY(weft_stream_read(stream, &byte, 1, &n));
    if (n == 0) {
        return 0;
    }
    return byte == 'p'   ? say_place(stream)
           : byte == 'm' ? pour(stream, weft_service_get_int(service, "size"))
                         : echo(stream);
}

WEFT_SERVICE(.name = "crowd", .version = "1",
             .settings = { { .key = "size",
                             .fallback = "100MiB",
                             .doc = "What a reader of much gets.",
                             .kind = WEFT_SETTING_SIZE } },
             .connected = connected);
