#ifndef WF_HTTP_CHARS_H
#define WF_HTTP_CHARS_H

/*
 * Classes of characters: what RFC 9110 and 9112 allow where. Every byte of
 * every request is asked about, so the answer is one load from a table.
 */

#include <stdbool.h>

enum wf_http_class {
    WF_HTTP_TOKEN = 1,  /* letters, digits and !#$%&'*+-.^_`|~: methods, names of headers */
    WF_HTTP_VALUE = 2,  /* all but control characters; a tab is allowed: values of headers */
    WF_HTTP_HOST = 4,   /* letters, digits and -._~%!$&'()*+;=:[]: the value of Host */
    WF_HTTP_TARGET = 8, /* visible ASCII but '#': request targets */
};

/* By the byte's value; each entry is a sum of classes. */
extern const unsigned char wf_http_classes[256];

static inline bool wf_http_is(enum wf_http_class wanted, char c)
{
    return (wf_http_classes[(unsigned char)c] & wanted) != 0;
}

/* Of a hexadecimal digit; else -1. */
static inline int wf_http_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
