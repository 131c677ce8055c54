/*
 * What a complete head has to satisfy beyond llhttp 8.1's grammar.
 *
 * llhttp lets through: header lines that are folded, several spaces in the
 * request line, RTSP/ and ICE/ for HTTP/, a request line without version,
 * HTTP/2.0, any coding before chunked, fragments in targets. It knows nothing of
 * Host. Each of these has been used to make two servers in a row see different
 * requests, so all are refused here, on the bytes of the head itself.
 *
 * Thread: the connection's task. Linear in the head.
 */

#include "chars.h"
#include "exchange.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void refuse(weft_http_request *request, int status, const char *why)
{
    wf_http_request_refuse(request, status, why);
}

/* The text of a span; it may be read to the end of the head. */
static char *text_of(const weft_http_request *request, struct wf_http_span span)
{
    return wf_http_request_at(request, span.at);
}

static bool is_header(const weft_http_request *request, const struct wf_http_header *header,
                      const char *name, size_t len)
{
    return header->name.len == len && strncasecmp(text_of(request, header->name), name, len) == 0;
}

static bool has_value(const weft_http_request *request, const struct wf_http_header *header,
                      const char *value)
{
    return header->value.len == strlen(value) &&
           strncasecmp(text_of(request, header->value), value, header->value.len) == 0;
}

/* ---- the request line ------------------------------------------------------ */

/* Exactly `METHOD SP target SP HTTP/d.d CR LF`; llhttp has seen to the digits. */
static bool is_request_line(const weft_http_request *request)
{
    const char *line = wf_http_request_at(request, 0);
    size_t method_len = request->target.at - 1;
    size_t target_end = request->target.at + request->target.len;
    const char *method = llhttp_method_name(request->parser.method);

    return request->target.len > 0 && request->head_len >= target_end + 13 &&
           strncmp(line, method, method_len) == 0 && method[method_len] == '\0' &&
           line[method_len] == ' ' && memcmp(line + target_end, " HTTP/", 6) == 0 &&
           memcmp(line + target_end + 9, "\r\n", 2) == 0;
}

static void check_request_line(weft_http_request *request)
{
    if (!is_request_line(request)) {
        refuse(request, 400, "the request line is malformed");
    } else if (request->parser.http_major != 1 || request->parser.http_minor > 1) {
        refuse(request, 505, "the version is neither HTTP/1.1 nor HTTP/1.0");
    } else if (request->parser.method == HTTP_CONNECT || request->parser.method == HTTP_SOURCE ||
               request->parser.method == HTTP_PRI) {
        refuse(request, 501, "the method is not implemented");
    }
}

static bool is_escape(const char *text, size_t len)
{
    return len >= 3 && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2]) &&
           !(text[1] == '0' && text[2] == '0');
}

/* Where the path begins: at once, or behind the host of `http://host/path`. */
static bool find_path(weft_http_request *request, const char *target, size_t len, size_t *out_at)
{
    static const char *const schemes[] = { "http://", "https://" };

    if (target[0] == '/') {
        *out_at = 0;
        return true;
    }
    if (len == 1 && target[0] == '*' && request->parser.method == HTTP_OPTIONS) {
        *out_at = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i]);
        if (len > n && strncasecmp(target, schemes[i], n) == 0) {
            size_t end = n;
            /* Not strcspn: the input is not terminated. */
            while (end < len && target[end] != '/' && target[end] != '?') {
                end++;
            }
            *out_at = end;
            return end > n;
        }
    }
    return false;
}

/* Split the target into path and query and check what both are made of. */
static void check_target(weft_http_request *request)
{
    char *target = text_of(request, request->target);
    size_t len = request->target.len;
    size_t path = 0;

    if (len == 0 || !find_path(request, target, len, &path)) {
        refuse(request, 400, "the request target is neither a path nor an http address");
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (!wf_http_is(WF_HTTP_TARGET, target[i])) {
            refuse(request, 400, "the request target has a character that must be encoded");
            return;
        }
    }

    const char *mark = memchr(target + path, '?', len - path);
    size_t path_end = mark == NULL ? len : (size_t)(mark - target);
    for (size_t i = path; i < path_end; i++) {
        if (target[i] == '%' && !is_escape(target + i, path_end - i)) {
            refuse(request, 400, "the path has a '%' without a character behind it");
            return;
        }
    }

    if (path == path_end) {
        /* `http://host` and `http://host?query` mean "/": lend them the last slash of the scheme.
         * The host that it overwrites is not needed, Host is. */
        path = (size_t)((const char *)memchr(target, '/', len) - target) + 1;
        request->path = (struct wf_http_span){ request->target.at + (uint32_t)path, 1 };
    } else {
        request->path = (struct wf_http_span){ request->target.at + (uint32_t)path,
                                               (uint32_t)(path_end - path) };
    }
    size_t query = mark == NULL ? len : path_end + 1;
    request->query =
        (struct wf_http_span){ request->target.at + (uint32_t)query, (uint32_t)(len - query) };
}

/* ---- the headers ----------------------------------------------------------- */

/*
 * Every line ends in CR LF: llhttp takes the empty one without CR. A line that begins with a space
 * continues the one before (obs-fold), or hides a header.
 */
static void check_lines(weft_http_request *request)
{
    const char *begin = wf_http_request_at(request, 0);
    const char *end = begin + request->head_len;
    const char *at = begin;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (at == begin || at[-1] != '\r') {
            refuse(request, 400, "a line ends without a carriage return");
            return;
        }
        at++;
        if (at < end && (*at == ' ' || *at == '\t')) {
            refuse(request, 400, "a header line begins with a space");
            return;
        }
    }
}

static void check_host(weft_http_request *request, const struct wf_http_header *header)
{
    const char *value = text_of(request, header->value);

    for (size_t i = 0; i < header->value.len; i++) {
        if (!wf_http_is(WF_HTTP_HOST, value[i])) {
            refuse(request, 400, "the Host is malformed");
            return;
        }
    }
}

/* How often each header came that may come once. */
struct counts {
    unsigned host;
    unsigned length;
    unsigned encoding;
};

static void check_header(weft_http_request *request, const struct wf_http_header *header,
                         struct counts *counts)
{
    if (is_header(request, header, "host", 4)) {
        counts->host++;
        check_host(request, header);
    } else if (is_header(request, header, "content-length", 14)) {
        counts->length++;
    } else if (is_header(request, header, "transfer-encoding", 17)) {
        counts->encoding++;
        if (!has_value(request, header, "chunked")) {
            refuse(request, 501, "the only Transfer-Encoding here is chunked");
        }
    } else if (is_header(request, header, "expect", 6) && request->parser.http_minor > 0) {
        if (has_value(request, header, "100-continue")) {
            request->expects_continue = true;
        } else {
            refuse(request, 417, "the only expectation here is 100-continue");
        }
    }
}

/* Values end before the white space that may trail them. */
static void trim(const weft_http_request *request, struct wf_http_span *span)
{
    const char *text = text_of(request, *span);

    while (span->len > 0 && (text[span->len - 1] == ' ' || text[span->len - 1] == '\t')) {
        span->len--;
    }
}

static void check_headers(weft_http_request *request)
{
    struct counts counts = { 0, 0, 0 };

    for (size_t i = 0; i < request->n_headers && request->refusal == 0; i++) {
        struct wf_http_header *header = &request->headers[i];
        trim(request, &header->value);
        check_header(request, header, &counts);
    }
    if (counts.host > 1 || (counts.host == 0 && request->parser.http_minor > 0)) {
        refuse(request, 400, "there must be one Host");
    }
    if (counts.length > 1 || counts.encoding > 1 || (counts.length > 0 && counts.encoding > 0)) {
        refuse(request, 400, "the length of the body is given more than once");
    }
    if (counts.encoding > 0 && request->parser.http_minor == 0) {
        refuse(request, 400, "HTTP/1.0 has no Transfer-Encoding");
    }
}

/* Make C strings of what is handed out; behind each stands a byte that nobody needs any more. */
static void terminate(weft_http_request *request)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        struct wf_http_header *header = &request->headers[i];
        text_of(request, header->name)[header->name.len] = '\0';
        if (header->value.len == 0) {
            header->value.at =
                header->name.at + header->name.len; /* An empty value has no place. */
        }
        text_of(request, header->value)[header->value.len] = '\0';
    }
    text_of(request, request->path)[request->path.len] = '\0';
    text_of(request, request->query)[request->query.len] = '\0';
}

void wf_http_head_check(weft_http_request *request)
{
    check_request_line(request);
    if (request->refusal == 0) {
        check_lines(request);
    }
    if (request->refusal == 0) {
        check_target(request);
    }
    if (request->refusal == 0) {
        check_headers(request);
    }
    if (request->refusal == 0) {
        terminate(request);
    }
}
