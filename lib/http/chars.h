#ifndef WF_HTTP_CHARS_H
#define WF_HTTP_CHARS_H

/*
 * Classes of characters, a bit per character: what RFC 9110 and 9112 allow
 * where. Every byte of every request is asked about, so it is two instructions.
 */

#include <stdbool.h>
#include <stdint.h>

struct wf_http_chars {
    uint64_t bits[4];
};

/* Letters, digits and !#$%&'*+-.^_`|~: methods and names of headers. */
static const struct wf_http_chars wf_http_token = { { 0x03ff6cfa00000000u, 0x57ffffffc7fffffeu,
                                                      0x0000000000000000u, 0x0000000000000000u } };
/* Everything but control characters; a tab is allowed: values of headers. */
static const struct wf_http_chars wf_http_value = { { 0xffffffff00000200u, 0x7fffffffffffffffu,
                                                      0xffffffffffffffffu, 0xffffffffffffffffu } };
/* Letters, digits and -._~%!$&'()*+;=:[]: the value of Host. */
static const struct wf_http_chars wf_http_host = { { 0x2fff6ff200000000u, 0x47fffffeaffffffeu,
                                                     0x0000000000000000u, 0x0000000000000000u } };
/* Visible ASCII but '#': request targets. */
static const struct wf_http_chars wf_http_target = { { 0xfffffff600000000u, 0x7fffffffffffffffu,
                                                       0x0000000000000000u, 0x0000000000000000u } };

static inline bool wf_http_is(const struct wf_http_chars *chars, char c)
{
    unsigned char byte = (unsigned char)c;

    return (chars->bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

#endif
