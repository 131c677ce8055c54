/*
 * Text and addresses, both ways. Names are not looked up here (names.c).
 *
 * Thread: any.
 */

#include "io/address.h"

#include "base/text.h"
#include "weft/error.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "fe80::1%eth0": the part behind the percent sign names the interface. */
static int parse_in6(const char *host, struct sockaddr_in6 *out)
{
    const char *percent = strchr(host, '%');
    char text[INET6_ADDRSTRLEN];
    size_t len = percent != NULL ? (size_t)(percent - host) : strlen(host);

    if (len >= sizeof text) {
        return WEFT_EINVAL;
    }
    memcpy(text, host, len);
    text[len] = '\0';
    if (inet_pton(AF_INET6, text, &out->sin6_addr) != 1) {
        return WEFT_EINVAL;
    }
    if (percent == NULL) {
        return 0;
    }
    unsigned index = if_nametoindex(percent + 1);
    char *end = NULL;
    if (index == 0) {
        index = (unsigned)strtoul(percent + 1, &end, 10);
        if (index == 0 || *end != '\0') {
            return WEFT_EINVAL;
        }
    }
    out->sin6_scope_id = index;
    return 0;
}

int wf_address_parse(const char *host, int port, struct wf_address *out_address)
{
    struct wf_address address = { 0 };

    if (port < 0 || port > 65535) {
        return WEFT_EINVAL;
    }
    if (inet_pton(AF_INET, host, &address.as.in.sin_addr) == 1) {
        address.as.in.sin_family = AF_INET;
        address.as.in.sin_port = htons((uint16_t)port);
        address.len = sizeof address.as.in;
    } else if (parse_in6(host, &address.as.in6) == 0) {
        address.as.in6.sin6_family = AF_INET6;
        address.as.in6.sin6_port = htons((uint16_t)port);
        address.len = sizeof address.as.in6;
    } else {
        return WEFT_EINVAL;
    }
    *out_address = address;
    return 0;
}

int wf_address_parse_unix(const char *path, struct wf_address *out_address)
{
    struct wf_address address = { 0 };
    size_t len = path != NULL ? strlen(path) : 0;

    /* A path needs room for its end, an abstract name does not. */
    if (len == 0 || len >= sizeof address.as.un.sun_path) {
        return WEFT_EINVAL;
    }
    address.as.un.sun_family = AF_UNIX;
    memcpy(address.as.un.sun_path, path, len);
    address.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (path[0] == '@') {
        address.as.un.sun_path[0] = '\0';
        address.len--;
    }
    *out_address = address;
    return 0;
}

static void format_in(const struct sockaddr_in *in, char *buffer, size_t size)
{
    char host[INET_ADDRSTRLEN];

    /* The family is known and the buffer large enough: it cannot fail. */
    (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    (void)snprintf(buffer, size, "%s:%u", host, (unsigned)ntohs(in->sin_port));
}

static void format_in6(const struct sockaddr_in6 *in6, char *buffer, size_t size)
{
    char host[INET6_ADDRSTRLEN];

    (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host); /* as above */
    (void)snprintf(buffer, size, "[%s]:%u", host, (unsigned)ntohs(in6->sin6_port));
}

static void format_un(const struct sockaddr_un *un, socklen_t len, char *buffer, size_t size)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    int path_len = len > head ? (int)(len - head) : 0;

    if (path_len > 0 && un->sun_path[0] == '\0') {
        (void)snprintf(buffer, size, "unix:@%.*s", path_len - 1, un->sun_path + 1);
    } else {
        (void)snprintf(buffer, size, "unix:%.*s", path_len, un->sun_path);
    }
}

void wf_address_format(const struct wf_address *address, char *buffer, size_t size)
{
    switch (address->as.any.sa_family) {
    case AF_INET:
        format_in(&address->as.in, buffer, size);
        break;
    case AF_INET6:
        format_in6(&address->as.in6, buffer, size);
        break;
    case AF_UNIX:
        format_un(&address->as.un, address->len, buffer, size);
        break;
    default:
        (void)snprintf(buffer, size, "unknown");
        break;
    }
}

void wf_address_add_to_text(const struct wf_address *address, struct wf_text *text)
{
    char host[sizeof(struct sockaddr_un) + 8];

    switch (address->as.any.sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &address->as.in.sin_addr, host, sizeof host); /* as above */
        wf_text_add(text, "('%s', %u)", host, (unsigned)ntohs(address->as.in.sin_port));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &address->as.in6.sin6_addr, host, sizeof host);
        wf_text_add(text, "('%s', %u, %u, %u)", host, (unsigned)ntohs(address->as.in6.sin6_port),
                    (unsigned)ntohl(address->as.in6.sin6_flowinfo),
                    (unsigned)address->as.in6.sin6_scope_id);
        break;
    default:
        wf_address_format(address, host, sizeof host);
        wf_text_add(text, "'%s'", host);
        break;
    }
}

void wf_peer_set(struct wf_peer *peer, const struct wf_address *address)
{
    switch (address->as.any.sa_family) {
    case AF_INET:
        peer->as.in = address->as.in;
        break;
    case AF_INET6:
        peer->as.in6 = address->as.in6;
        break;
    default:
        peer->as.any.sa_family = address->as.any.sa_family;
        break;
    }
}

void wf_peer_format(const struct wf_peer *peer, char *buffer, size_t size)
{
    switch (peer->as.any.sa_family) {
    case AF_INET:
        format_in(&peer->as.in, buffer, size);
        break;
    case AF_INET6:
        format_in6(&peer->as.in6, buffer, size);
        break;
    case AF_UNIX:
        (void)snprintf(buffer, size, "unix:");
        break;
    default:
        (void)snprintf(buffer, size, "unknown");
        break;
    }
}

/* ---- the public form ---------------------------------------------------- */

void wf_address_to_public(const struct wf_address *address, weft_address *out_address)
{
    memset(out_address, 0, sizeof *out_address);
    memcpy(&out_address->as, &address->as, sizeof address->as);
    out_address->len = address->len;
}

bool wf_address_from_public(const weft_address *address, struct wf_address *out_address)
{
    if (address->len < sizeof(sa_family_t) || address->len > sizeof out_address->as) {
        return false;
    }
    memset(out_address, 0, sizeof *out_address);
    memcpy(&out_address->as, &address->as, address->len);
    out_address->len = (socklen_t)address->len;
    return true;
}

static bool is_equal_in(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static bool is_equal_in6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id &&
           memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
}

bool wf_address_is_equal(const struct wf_address *a, const struct wf_address *b)
{
    if (a->as.any.sa_family != b->as.any.sa_family) {
        return false;
    }
    switch (a->as.any.sa_family) {
    case AF_INET:
        return is_equal_in(&a->as.in, &b->as.in);
    case AF_INET6:
        return is_equal_in6(&a->as.in6, &b->as.in6);
    default:
        return a->len == b->len && memcmp(&a->as, &b->as, a->len) == 0;
    }
}

int weft_address_set(weft_address *out_address, const char *host, int port)
{
    struct wf_address address;

    if (out_address == NULL || host == NULL || wf_address_parse(host, port, &address) < 0) {
        return weft_fail(WEFT_EINVAL, "not an address: host \"%s\", port %d",
                         host != NULL ? host : "", port);
    }
    wf_address_to_public(&address, out_address);
    return 0;
}

int weft_address_set_unix(weft_address *out_address, const char *path)
{
    struct wf_address address;

    if (out_address == NULL || wf_address_parse_unix(path, &address) < 0) {
        return weft_fail(WEFT_EINVAL, "not a path of a unix socket: \"%s\"",
                         path != NULL ? path : "");
    }
    wf_address_to_public(&address, out_address);
    return 0;
}

int weft_address_get_port(const weft_address *address)
{
    struct wf_address own;

    if (address == NULL || !wf_address_from_public(address, &own)) {
        return 0;
    }
    switch (own.as.any.sa_family) {
    case AF_INET:
        return ntohs(own.as.in.sin_port);
    case AF_INET6:
        return ntohs(own.as.in6.sin6_port);
    default:
        return 0;
    }
}

int weft_address_is_equal(const weft_address *a, const weft_address *b)
{
    struct wf_address own_a;
    struct wf_address own_b;

    return a != NULL && b != NULL && wf_address_from_public(a, &own_a) &&
           wf_address_from_public(b, &own_b) && wf_address_is_equal(&own_a, &own_b);
}
