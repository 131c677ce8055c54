/* URLs. An IPv6 address stands in brackets, as in RFC 3986. */

#include "load/target.h"

#include "weft/error.h"

#include <stdlib.h>
#include <string.h>

static int copy(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size) {
        return WEFT_EINVAL;
    }
    memcpy(to, from, n);
    to[n] = '\0';
    return 0;
}

/* HOST[:PORT], up to <end>. */
static int parse_authority(struct target *target, const char *at, const char *end)
{
    const char *host_end;

    if (*at == '[') {
        const char *bracket = memchr(at, ']', (size_t)(end - at));
        if (bracket == NULL) {
            return WEFT_EINVAL;
        }
        at++;
        host_end = bracket;
        if (copy(target->host, sizeof(target->host), at, (size_t)(host_end - at)) < 0) {
            return WEFT_EINVAL;
        }
        host_end++;
    } else {
        host_end = memchr(at, ':', (size_t)(end - at));
        host_end = host_end == NULL ? end : host_end;
        if (copy(target->host, sizeof(target->host), at, (size_t)(host_end - at)) < 0) {
            return WEFT_EINVAL;
        }
    }
    if (target->host[0] == '\0') {
        return WEFT_EINVAL;
    }
    if (host_end == end) {
        return 0;
    }
    char *rest;
    long port = strtol(host_end + 1, &rest, 10);
    if (*host_end != ':' || rest != end || rest == host_end + 1 || port < 1 || port > 65535) {
        return WEFT_EINVAL;
    }
    target->port = (int)port;
    return 0;
}

static int parse_http(struct target *target, const char *at)
{
    const char *slash = strchr(at, '/');

    target->kind = TARGET_HTTP;
    target->port = 80;
    if (copy(target->path, sizeof(target->path), slash != NULL ? slash : "/",
             slash != NULL ? strlen(slash) : 1) < 0) {
        return WEFT_EINVAL;
    }
    return parse_authority(target, at, slash != NULL ? slash : at + strlen(at));
}

static int parse_http_unix(struct target *target, const char *at)
{
    const char *colon = strchr(at, ':');
    const char *path = colon != NULL ? colon + 1 : "/";

    target->kind = TARGET_HTTP;
    if (path[0] != '/' || copy(target->path, sizeof(target->path), path, strlen(path)) < 0) {
        return WEFT_EINVAL;
    }
    return copy(target->socket, sizeof(target->socket), at,
                colon != NULL ? (size_t)(colon - at) : strlen(at));
}

static int parse_module(struct target *target, const char *at)
{
    const char *colon = strchr(at, ':');
    const char *argument = colon != NULL ? colon + 1 : "";

    target->kind = TARGET_MODULE;
    if (copy(target->path, sizeof(target->path), argument, strlen(argument)) < 0) {
        return WEFT_EINVAL;
    }
    return copy(target->module, sizeof(target->module), at,
                colon != NULL ? (size_t)(colon - at) : strlen(at));
}

static const char *after(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);

    return strncmp(url, scheme, n) == 0 && url[n] != '\0' ? url + n : NULL;
}

int target_parse(struct target *target, const char *url, const char **out_why)
{
    const char *at;

    *target = (struct target){ .url = url };
    if ((at = after(url, "http://")) != NULL) {
        *out_why = "it should be http://HOST[:PORT][/PATH]";
        return parse_http(target, at);
    }
    if ((at = after(url, "http+unix:")) != NULL) {
        *out_why = "it should be http+unix:SOCKET[:/PATH], the socket's path below 108 bytes";
        return parse_http_unix(target, at);
    }
    if ((at = after(url, "tcp://")) != NULL) {
        *out_why = "it should be tcp://HOST:PORT";
        target->kind = TARGET_ECHO;
        int r = parse_authority(target, at, at + strlen(at));
        return r == 0 && target->port == 0 ? WEFT_EINVAL : r;
    }
    if ((at = after(url, "unix:")) != NULL) {
        *out_why = "the socket's path has to be below 108 bytes";
        target->kind = TARGET_ECHO;
        return copy(target->socket, sizeof(target->socket), at, strlen(at));
    }
    if ((at = after(url, "module:")) != NULL) {
        *out_why = "it should be module:FILE.so[:ARGUMENT]";
        return parse_module(target, at);
    }
    *out_why = "it should begin with http://, http+unix:, tcp://, unix: or module:";
    return WEFT_EINVAL;
}
