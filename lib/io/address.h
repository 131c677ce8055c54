#ifndef WF_IO_ADDRESS_H
#define WF_IO_ADDRESS_H

/*
 * Socket addresses and their text forms: "127.0.0.1:80", "[::1]:80",
 * "unix:/run/x", "unix:@abstract", "unix:".
 *
 * Thread: any; nothing here is shared.
 */

#include "weft/address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Room for any address that we use. */
struct wf_address {
    socklen_t len; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } as;
};

/* A peer as a stream keeps it: of unix sockets only the family, their names are asked for. */
struct wf_peer {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } as;
};

/* A numeric host and a port. WEFT_EINVAL when <host> is a name or <port> out of range. */
int wf_address_parse(const char *host, int port, struct wf_address *out_address);

/* A unix path; '@' first: abstract. WEFT_EINVAL when it is empty or too long. */
int wf_address_parse_unix(const char *path, struct wf_address *out_address);

/* The text form, cut to <size> and terminated. */
void wf_address_format(const struct wf_address *address, char *buffer, size_t size);

/* To and from the form that users see. False: no address of a family that we use. */
void wf_address_to_public(const struct wf_address *address, weft_address *out_address);
bool wf_address_from_public(const weft_address *address, struct wf_address *out_address);
bool wf_address_is_equal(const struct wf_address *a, const struct wf_address *b);

/* As Python prints it: "('127.0.0.1', 80)". */
struct wf_text;
void wf_address_add_to_text(const struct wf_address *address, struct wf_text *text);

void wf_peer_set(struct wf_peer *peer, const struct wf_address *address);
void wf_peer_format(const struct wf_peer *peer, char *buffer, size_t size);

#endif
