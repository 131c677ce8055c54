/*
 * The end of a program whose invariant broke: one line to standard error,
 * written without allocation, then abort.
 */

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void wf_assert_failed(const char *file, int line, const char *condition)
{
    char text[512];
    int len =
        snprintf(text, sizeof text, "weft: %s:%d: assertion failed: %s\n", file, line, condition);

    if (len > 0) {
        /* Nothing can be done about a failing stderr here. */
        ssize_t ignored =
            write(STDERR_FILENO, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
        (void)ignored;
    }
    abort();
}
