#ifndef WF_BASE_TEXT_H
#define WF_BASE_TEXT_H

/*
 * Text that grows piece by piece in a buffer of fixed size; what does not fit
 * is cut, and it is always terminated.
 */

#include "weft/base.h"

#include <stddef.h>

struct wf_text {
    char *buffer; /* borrowed */
    size_t size;
    size_t used;
};

void wf_text_init(struct wf_text *text, char *buffer, size_t size);
void wf_text_add(struct wf_text *text, const char *format, ...) WEFT_PRINTF(2, 3);
/* The same for signal handlers: no stdio, no locale. NULL adds nothing. */
void wf_text_add_plain(struct wf_text *text, const char *plain);
void wf_text_add_number(struct wf_text *text, unsigned long long number);
/*
 * How many of the <n> bytes at <text> are one character of UTF-8 that may be shown; 0: what stands
 * there is none, or a control character. <n> is not 0.
 */
size_t wf_text_measure_character(const char *text, size_t n);
/* The last part of a path: reports name files as their users know them. */
const char *wf_text_file_name(const char *path);

#endif
