#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

/*
 * address.h: socket addresses as values.
 *
 * A weft_address is what the kernel calls a sockaddr, with its length: copy it freely, keep it,
 * send to it. Datagrams need one for each message; streams show theirs as text. dns.h has look-ups
 * and weft_address_format, the text of one.
 *
 *     weft_address to;
 *     WEFT_TRY(weft_address_set(&to, "192.0.2.7", 514));
 *     WEFT_TRY(weft_datagram_transport_sendto(t, "<14>up", 6, &to));
 *
 * From: docs.python.org/3.11/library/socket.html#socket-families.
 */

#include "weft/base.h"

#include <sys/socket.h>

WEFT_BEGIN_DECLS

/** An address of any family. <len> 0: none. */
typedef struct weft_address {
    size_t len; /* of what is used */
    union {
        struct sockaddr any; /* its sa_family tells the rest */
        struct sockaddr_storage storage;
    } as;
} weft_address;

/**
 * Set it to a numeric host ("127.0.0.1", "::1", "fe80::1%eth0") and a port.
 *
 * Thread: any.
 * Owns:   copied to *address.
 * Errors: WEFT_EINVAL for a name, or a port outside of 0 to 65535; *address is untouched.
 * See:    weft_address_parse, the same on a plain sockaddr.
 */
WEFT_API int weft_address_set(weft_address *address, const char *host, int port);

/** Set it to a path of a unix socket; '@' first: abstract. Errors: WEFT_EINVAL when that is empty
 * or too long. Thread: any. Owns: copied. */
WEFT_API int weft_address_set_unix(weft_address *address, const char *path);

/** The port of an IPv4 or IPv6 address, else 0. Thread: any. Owns: nothing. */
WEFT_API int weft_address_get_port(const weft_address *address);

/** Whether both are the same. Thread: any. Owns: nothing. */
WEFT_API int weft_address_is_equal(const weft_address *a, const weft_address *b);

WEFT_END_DECLS

#endif
