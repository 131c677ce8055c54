/*
 * Addresses: numeric IPv4 and IPv6 with a port, and paths of unix sockets.
 *
 * Names are not resolved: what a config means must not depend on a name server that may not be
 * there yet when the machine starts.
 */
#include "config/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static int refuse(char *why, const char *text, const char *hint)
{
    (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no address%s", text, hint);
    return -EINVAL;
}

static bool parse_port(const char *text, uint16_t *out_port)
{
    unsigned value = 0;
    size_t length = strlen(text);

    if (length == 0 || length > 5 || strspn(text, "0123456789") != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > 65535) {
        return false;
    }
    *out_port = (uint16_t)value;
    return true;
}

static int parse_unix(const char *text, struct config_arena *arena,
                      struct config_address *out_address, char *why)
{
    const char *path = text + strlen("unix:");

    if (path[0] == '\0') {
        return refuse(why, text, ": the path is missing");
    }
    char *copy = config_arena_copy(arena, path, strlen(path));
    if (copy == NULL) {
        return -ENOMEM;
    }
    *out_address = (struct config_address){ .family = CONFIG_FAMILY_UNIX, .path = copy };
    return 0;
}

/* The canonical form, so that two ways to write one address are seen to be the same. */
static int parse_host(const char *text, const char *host, int family, struct config_arena *arena,
                      struct config_address *out_address, char *why)
{
    unsigned char binary[sizeof(struct in6_addr)];
    char canonical[INET6_ADDRSTRLEN];

    if (inet_pton(family, host, binary) != 1) {
        return refuse(why, text,
                      family == AF_INET6
                          ? ": between the brackets an IPv6 address is expected"
                          : "; write it like 127.0.0.1:8080, '[::1]:8080' or unix:PATH");
    }
    (void)inet_ntop(family, binary, canonical, sizeof canonical);
    out_address->host = config_arena_copy(arena, canonical, strlen(canonical));
    out_address->path = NULL;
    out_address->family = family == AF_INET6 ? CONFIG_FAMILY_IPV6 : CONFIG_FAMILY_IPV4;
    return out_address->host == NULL ? -ENOMEM : 0;
}

int config_address_parse(const char *text, struct config_arena *arena,
                         struct config_address *out_address, char *why)
{
    char host[INET6_ADDRSTRLEN + 2];
    struct config_address address = { 0 };

    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(text, arena, out_address, why);
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return refuse(why, text, "; write it like 127.0.0.1:8080, '[::1]:8080' or unix:PATH");
    }
    if (!parse_port(colon + 1, &address.port)) {
        return refuse(why, text, ": a port from 0 to 65535 is expected behind the last colon");
    }

    size_t length = (size_t)(colon - text);
    bool has_brackets = length >= 2 && text[0] == '[' && colon[-1] == ']';
    if (!has_brackets && memchr(text, ':', length) != NULL) {
        return refuse(why, text, ": an IPv6 address stands in brackets, as in '[::1]:8080'");
    }
    if (length == 0 || (length == 1 && text[0] == '*')) {
        return refuse(why, text, "; for every interface write 0.0.0.0 or [::] before the port");
    }
    if (has_brackets) {
        length -= 2;
    }
    if (length >= sizeof host) {
        return refuse(why, text, ": it is too long");
    }
    memcpy(host, has_brackets ? text + 1 : text, length);
    host[length] = '\0';
    int family = has_brackets ? AF_INET6 : AF_INET;
    int rc = parse_host(text, host, family, arena, &address, why);
    if (rc == 0) {
        *out_address = address;
    }
    return rc;
}

socklen_t config_address_sockaddr(const struct config_address *address,
                                  struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    switch (address->family) {
    case CONFIG_FAMILY_IPV4: {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        return inet_pton(AF_INET, address->host, &in->sin_addr) == 1 ? sizeof *in : 0;
    }
    case CONFIG_FAMILY_IPV6: {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(address->port);
        return inet_pton(AF_INET6, address->host, &in->sin6_addr) == 1 ? sizeof *in : 0;
    }
    case CONFIG_FAMILY_UNIX: {
        struct sockaddr_un *un = (struct sockaddr_un *)out;
        size_t length = strlen(address->path);
        if (length >= sizeof un->sun_path) {
            return 0;
        }
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, address->path, length + 1);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    }
    case CONFIG_FAMILY_NONE:
        break;
    }
    return 0;
}

void config_address_format(const struct config_address *address, char *out, size_t size)
{
    switch (address->family) {
    case CONFIG_FAMILY_IPV4:
        (void)snprintf(out, size, "%s:%u", address->host, (unsigned)address->port);
        break;
    case CONFIG_FAMILY_IPV6:
        (void)snprintf(out, size, "[%s]:%u", address->host, (unsigned)address->port);
        break;
    case CONFIG_FAMILY_UNIX:
        (void)snprintf(out, size, "unix:%s", address->path);
        break;
    case CONFIG_FAMILY_NONE:
        (void)snprintf(out, size, "none");
        break;
    }
}
