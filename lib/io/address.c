/*
 * Text and addresses, both ways. Names are not looked up here (names.c).
 *
 * Thread: any.
 */

#include "io/address.h"

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
