#ifndef WF_IO_NAMES_H
#define WF_IO_NAMES_H

/*
 * Host names to addresses, by getaddrinfo(3) on threads of their own: it blocks
 * for as long as a name server lets it.
 *
 * Thread: the loop's, in a task.
 */

#include "io/address.h"
#include "io/io.h"
#include "weft/time.h"

/* What a look-up gave, in the order to try. */
struct wf_names {
    size_t n;
    struct wf_address addresses[];
};

/* What is wanted of a look-up: as in struct addrinfo. */
struct wf_name_hints {
    int family;
    int type;
    int proto;
    int flags;
};

/*
 * <host> may be NULL. A numeric one needs no look-up and no thread. The caller frees *out_names
 * with wf_free. WEFT_EADDRINFO with the resolver's own words and number, WEFT_ETIMEDOUT,
 * WEFT_ECANCELED, WEFT_ENOMEM, those of the executor.
 */
int wf_names_look_up(struct wf_io *io, const char *host, int port,
                     const struct wf_name_hints *hints, weft_time deadline,
                     const weft_origin *origin, struct wf_names **out_names);

#endif
