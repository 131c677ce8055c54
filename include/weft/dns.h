#ifndef WEFT_DNS_H
#define WEFT_DNS_H

/*
 * dns.h: names to addresses, and back.
 *
 * getaddrinfo(3) and getnameinfo(3) block for as long as a name server lets
 * them. They run on an executor of their own, a small one for each loop, so that
 * neither the loop nor the jobs of its default executor wait for them. What needs
 * no look-up, a numeric host with a numeric service, is answered at once.
 *
 *     asked --numeric--> answered
 *       `--queued--> on a thread --> answered
 *             `---------`---- cancelled, or past the limit: abandoned. The thread ends
 *                             in its own time; weft_loop_get_names_stats counts it
 *
 *     weft_addrinfo_list *list;
 *     WEFT_TRY(weft_loop_getaddrinfo(NULL, "example.org", "http", NULL, &list));
 *     for (size_t i = 0; i < weft_addrinfo_list_get_n(list); i++) {
 *         weft_addrinfo info = weft_addrinfo_list_get(list, i);
 *         char text[64];
 *         weft_address_format(info.address, info.address_len, text, sizeof text);
 *     }
 *     weft_addrinfo_list_destroy(list);
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html#dns.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/executor.h"
#include "weft/loop.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

struct sockaddr; /* of <sys/socket.h> */

/** What is wanted, in the constants of <netdb.h> and <sys/socket.h>; all zero is the default. Start
 * from WEFT_GETADDRINFO_OPTIONS_INIT. */
typedef struct weft_getaddrinfo_options {
    size_t size;
    int family;          /* AF_INET, AF_INET6; 0: both */
    int type;            /* SOCK_STREAM, ...; 0: any, each address comes once for each type */
    int proto;           /* 0: any */
    int flags;           /* AI_PASSIVE, ... */
    weft_duration limit; /* 0: none */
} weft_getaddrinfo_options;

#define WEFT_GETADDRINFO_OPTIONS_INIT                   \
    {                                                   \
        sizeof(weft_getaddrinfo_options), 0, 0, 0, 0, 0 \
    }

/** One address that was found. */
typedef struct weft_addrinfo {
    int family;
    int type;
    int proto;
    const char *canonname;          /* "" without AI_CANONNAME */
    const struct sockaddr *address; /* for connect(2), bind(2), weft_loop_sock_connect */
    size_t address_len;
} weft_addrinfo;

/** What a look-up found, in the resolver's order. */
typedef struct weft_addrinfo_list weft_addrinfo_list;

/**
 * Look <host> and <service> up. Either may be NULL, not both.
 *
 * Thread: loop thread, in a task.
 * Owns:   the texts are copied. The caller destroys *out_list.
 * Errors: WEFT_EADDRINFO with the resolver's words, weft_current_detail gives its EAI_...
 *         number; WEFT_ETIMEDOUT past the limit; WEFT_ECANCELED; WEFT_EQUEUEFULL with 1024
 *         look-ups waiting; WEFT_EINVAL, WEFT_ENOMEM. On failure *out_list is untouched.
 * See:    weft_open_connection, which does this itself.
 */
#define weft_loop_getaddrinfo(loop, host, service, options, out_list)                          \
    weft_loop_getaddrinfo_at(WEFT_ORIGIN("getaddrinfo"), (loop), (host), (service), (options), \
                             (out_list))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_getaddrinfo_at(const weft_origin *origin, weft_loop *loop, const char *host,
                                      const char *service, const weft_getaddrinfo_options *options,
                                      weft_addrinfo_list **out_list);

/** How many there are, 0 for NULL. Thread: any. Owns: nothing. */
WEFT_API size_t weft_addrinfo_list_get_n(const weft_addrinfo_list *list);
/** Number <i>; all zero, with "" for the name, when there are fewer. Thread: any. Owns: what it
 * points to is the list's. */
WEFT_API weft_addrinfo weft_addrinfo_list_get(const weft_addrinfo_list *list, size_t i);
/** Release it. Thread: any. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_addrinfo_list_destroy(weft_addrinfo_list *list);

/** The longest host and service that weft_loop_getnameinfo gives, with their ends. */
#define WEFT_HOST_SIZE    1025
#define WEFT_SERVICE_SIZE 32

/**
 * Find the names of an address. <flags> are NI_... of <netdb.h>; with NI_NUMERICHOST and
 * NI_NUMERICSERV nothing is looked up.
 *
 * Thread: loop thread, in a task.
 * Owns:   <address> is copied. <host> and <service> are the caller's, either may be NULL with
 *         a size of 0; terminated, untouched on failure.
 * Units:  <limit> in nanoseconds; WEFT_FOREVER: none.
 * Errors: as weft_loop_getaddrinfo; WEFT_EADDRINFO with EAI_OVERFLOW when a buffer is too small.
 */
#define weft_loop_getnameinfo(loop, address, len, flags, limit, host, host_size, service,   \
                              service_size)                                                 \
    weft_loop_getnameinfo_at(WEFT_ORIGIN("getnameinfo"), (loop), (address), (len), (flags), \
                             (limit), (host), (host_size), (service), (service_size))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_getnameinfo_at(const weft_origin *origin, weft_loop *loop,
                                      const struct sockaddr *address, size_t len, int flags,
                                      weft_duration limit, char *host, size_t host_size,
                                      char *service, size_t service_size);

/**
 * The look-ups of <loop>: how many run, wait, and were abandoned and still run.
 *
 * Thread: loop thread.
 * Owns:   copied; WEFT_EXECUTOR_STATS_INIT sets the struct first.
 * Errors: WEFT_EINVAL without a size. All zero before the first look-up.
 */
WEFT_API int weft_loop_get_names_stats(weft_loop *loop, weft_executor_stats *out_stats);

/**
 * The text of an address: "127.0.0.1:80", "[::1]:80", "unix:/run/x", cut and terminated.
 *
 * Thread: any.
 * Owns:   nothing.
 * Errors: WEFT_EINVAL for no address, one that is too short or long, or no buffer.
 */
WEFT_API int weft_address_format(const struct sockaddr *address, size_t len, char *buffer,
                                 size_t size);

/**
 * The address of a numeric <host> ("127.0.0.1", "::1", "fe80::1%eth0") and <port>, without a
 * look-up. <*len> is the room on the way in and the length on the way out.
 *
 * Thread: any.
 * Owns:   written to <address>.
 * Errors: WEFT_EINVAL for a name, a bad port, or too little room; then both are untouched.
 */
WEFT_API int weft_address_parse(const char *host, int port, struct sockaddr *address, size_t *len);

WEFT_END_DECLS

#endif
