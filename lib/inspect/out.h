#ifndef WF_INSPECT_OUT_H
#define WF_INSPECT_OUT_H

/*
 * Text on its way to a descriptor, in pieces of 32 KiB. What fails is kept and all after it is
 * dropped; wf_out_end tells.
 *
 * Thread: one at a time.
 */

#include "weft/base.h"

#include <stddef.h>

struct wf_out {
    int fd; /* borrowed */
    int code;
    size_t n;
    char bytes[32 * 1024];
};

void wf_out_begin(struct wf_out *out, int fd);
void wf_out_add(struct wf_out *out, const char *bytes, size_t n);
void wf_out_print(struct wf_out *out, const char *format, ...) WEFT_PRINTF(2, 3);
/* A JSON string with its quotes; NULL is null, what is no UTF-8 becomes a question mark. */
void wf_out_json(struct wf_out *out, const char *text);
/* All is written: 0, or the system's code. */
int wf_out_end(struct wf_out *out);

#endif
