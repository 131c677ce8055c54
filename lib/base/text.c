/*
 * Text in a fixed buffer. See text.h.
 */

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void wf_text_init(struct wf_text *text, char *buffer, size_t size)
{
    *text = (struct wf_text){ buffer, size, 0 };
    if (size > 0) {
        buffer[0] = '\0';
    }
}

void wf_text_add(struct wf_text *text, const char *format, ...)
{
    va_list arguments;

    if (text->used + 1 >= text->size) {
        return;
    }
    size_t room = text->size - text->used;
    va_start(arguments, format);
    int len = vsnprintf(text->buffer + text->used, room, format, arguments);
    va_end(arguments);
    if (len > 0) {
        text->used += (size_t)len < room ? (size_t)len : room - 1;
    }
}

void wf_text_add_plain(struct wf_text *text, const char *plain)
{
    while (plain != NULL && *plain != '\0' && text->used + 1 < text->size) {
        text->buffer[text->used++] = *plain++;
        text->buffer[text->used] = '\0';
    }
}

void wf_text_add_number(struct wf_text *text, unsigned long long number)
{
    char digits[24];
    size_t i = sizeof digits;

    digits[--i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    wf_text_add_plain(text, digits + i);
}

const char *wf_text_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

size_t wf_text_measure_character(const char *text, size_t n)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (size == 1) {
        return at[0] >= 0x20 && at[0] != 0x7f;
    }
    if (size == 0 || at[0] > 0xf4 || size > n) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}
