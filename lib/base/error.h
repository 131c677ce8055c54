#ifndef WF_BASE_ERROR_H
#define WF_BASE_ERROR_H

/*
 * The inside of weft_error. References are atomic, since errors cross threads
 * with executor jobs; places are added only by the thread that runs the owner.
 */

#include "weft/error.h"

/* NULL without memory: then the code travels alone. */
weft_error *wf_error_create(int code, const weft_origin *origin, const char *message);
/* A group; takes a reference of each child. NULL without memory. */
weft_error *wf_error_create_group(int code, weft_error *const *children, size_t n);
/* The same with a message of one's own, of up to 4095 bytes, and the place. */
weft_error *wf_error_create_combined(int code, const weft_origin *origin, const char *message,
                                     weft_error *const *children, size_t n);
/* Add a number to the failure that the running code has just met; returns <code>. */
int wf_fail_detail(int code, int64_t detail);
/* A copy that another thread may own. NULL without memory. */
weft_error *wf_error_copy(const weft_error *error);
weft_error *wf_error_ref(weft_error *error);
void wf_error_unref(weft_error *error); /* NULL is a no-op */
int wf_error_code(const weft_error *error);

#endif
