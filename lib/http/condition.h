#ifndef WF_HTTP_CONDITION_H
#define WF_HTTP_CONDITION_H

/*
 * Conditions and ranges of a request, against what there is.
 */

#include "weft/http.h"

#include <stdint.h>
#include <time.h>

/* One state of a resource. */
struct wf_http_version {
    const char *tag; /* "\"abc\"" */
    time_t modified;
    uint64_t size;
};

/* What of it is to be sent. */
struct wf_http_part {
    uint64_t at;
    uint64_t size;
};

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its terminating zero. */
enum {
    WF_HTTP_DATE_SIZE = 30
};

/* In the form of RFC 9110 5.6.7, whatever the locale. */
void wf_http_date_format(time_t time, char text[WF_HTTP_DATE_SIZE]);
/* In any of its three forms. -EINVAL. */
int wf_http_date_parse(const char *text, time_t *out_time);

/*
 * The status that a GET or HEAD comes to, by RFC 9110 13.2.2 and 14.2: 200, 206 (with *out_part),
 * 304, 412 or 416.
 */
int wf_http_condition_check(const weft_http_request *request, const struct wf_http_version *version,
                            struct wf_http_part *out_part);

#endif
