/*
 * A service module that goes wrong on request, for the tests of the daemon.
 *
 *     start: ok | fail | hang            what `start` does
 *     run: none | end | fail | ignore    what the root task does; `ignore` refuses cancels
 *
 * The first byte of a connection says what happens to it:
 *
 *     b   block the loop for 3 s          c   crash: SIGSEGV
 *     B   block it until the client sends more
 *     f   the task fails                  h   hang, and refuse the first cancel
 *     o   overflow the stack by recursion O   the same by one frame of 1 MiB
 *     w   wait for ever                   else: echoed, and the connection ends
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weft/service.h>
#include <weft/task.h>

static int is_word(weft_service *service, const char *key, const char *word)
{
    const char *text = weft_service_get_string(service, key);

    return text != NULL && strcmp(text, word) == 0;
}

static int start(weft_service *service)
{
    if (is_word(service, "start", "fail")) {
        return weft_fail(WEFT_EUSER(1), "told to fail");
    }
    if (is_word(service, "start", "hang")) {
        return weft_sleep(WEFT_S(3600));
    }
    weft_service_set_data(service, malloc(16)); /* The leak check sees whether `gone` is called. */
    return 0;
}

static void gone(weft_service *service)
{
    free(weft_service_get_data(service));
}

static int run(weft_service *service)
{
    if (is_word(service, "run", "end")) {
        return 0;
    }
    if (is_word(service, "run", "fail")) {
        return weft_fail(WEFT_EUSER(2), "the root task was told to fail");
    }
    int r = weft_sleep(WEFT_S(3600));
    if (r == WEFT_ECANCELED && is_word(service, "run", "ignore")) {
        r = weft_sleep(WEFT_S(3600)); /* A second cancel ends it. */
    }
    return r;
}

static void block(time_t seconds)
{
    struct timespec span = { .tv_sec = seconds, .tv_nsec = 0 };

    while (nanosleep(&span, &span) != 0) {
    }
}

static void block_until_readable(int fd)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN | POLLRDHUP };

    while (poll(&wanted, 1, -1) < 0) {
    }
}

/* The compiler must not see that it never ends. */
__attribute__((noinline)) static int go_deeper(volatile int *depth)
{
    volatile char frame[512];

    frame[0] = (char)*depth;
    *depth += 1;
    return *depth > 0 ? go_deeper(depth) + frame[0] : 0;
}

__attribute__((noinline)) static int step_far(size_t size)
{
    volatile char frame[1024 * 1024];

    frame[size] = 1;
    return frame[size];
}

static int connected(weft_service *service, weft_stream *stream)
{
    char byte = 0;
    size_t n = 0;

    (void)service;
    WEFT_TRY(weft_stream_read(stream, &byte, 1, &n));
    switch (n == 0 ? 0 : byte) {
    case 'b':
        block(3);
        break;
    case 'B':
        block_until_readable(weft_stream_get_fd(stream));
        break;
    case 'c':
        raise(SIGSEGV);
        break;
    case 'f':
        return weft_fail(WEFT_EUSER(3), "the connection was told to fail");
    case 'h':
        (void)weft_sleep(WEFT_S(3600));
        return weft_sleep(WEFT_S(3600));
    case 'o':
        return go_deeper(&(volatile int){ 0 });
    case 'O':
        return step_far(n);
    case 'w':
        return weft_sleep(WEFT_S(3600));
    default:
        break;
    }
    return weft_stream_write(stream, &byte, n);
}

WEFT_SERVICE(.name = "misbehave", .version = "1",
             .settings = { { .key = "start",
                             .fallback = "ok",
                             .doc = "What start does.",
                             .kind = WEFT_SETTING_STRING },
                           { .key = "run",
                             .fallback = "none",
                             .doc = "What the root task does.",
                             .kind = WEFT_SETTING_STRING } },
             .start = start, .connected = connected, .run = run, .gone = gone);
