/*
 * Writing a dump. See out.h. A descriptor that does not block is waited for.
 *
 * Thread: one at a time.
 */

#include "inspect/out.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void wf_out_begin(struct wf_out *out, int fd)
{
    out->fd = fd;
    out->code = 0;
    out->n = 0;
}

static int wait_for_room(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLOUT };

    return poll(&one, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done >= 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            int r = wait_for_room(fd);
            if (r < 0) {
                return r;
            }
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static void flush(struct wf_out *out)
{
    if (out->code == 0) {
        out->code = write_all(out->fd, out->bytes, out->n);
    }
    out->n = 0;
}

void wf_out_add(struct wf_out *out, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t room = sizeof out->bytes - out->n;
        size_t piece = n < room ? n : room;
        memcpy(out->bytes + out->n, bytes, piece);
        out->n += piece;
        bytes += piece;
        n -= piece;
        if (out->n == sizeof out->bytes) {
            flush(out);
        }
    }
}

void wf_out_print(struct wf_out *out, const char *format, ...)
{
    char text[2048]; /* longer than any line that is printed */
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n > 0) {
        wf_out_add(out, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    }
}

void wf_out_json(struct wf_out *out, const char *text)
{
    if (text == NULL) {
        wf_out_add(out, "null", 4);
        return;
    }
    size_t len = strlen(text);

    wf_out_add(out, "\"", 1);
    for (size_t i = 0; i < len;) {
        size_t n = wf_text_measure_character(text + i, len - i);
        if (n == 0) {
            wf_out_add(out, "?", 1);
        } else if (text[i] == '"' || text[i] == '\\') {
            wf_out_print(out, "\\%c", text[i]);
        } else {
            wf_out_add(out, text + i, n);
        }
        i += n > 0 ? n : 1;
    }
    wf_out_add(out, "\"", 1);
}

int wf_out_end(struct wf_out *out)
{
    flush(out);
    return out->code;
}
