#ifndef WEFT_CONNECT_H
#define WEFT_CONNECT_H

/*
 * connect.h: how a connection is opened.
 *
 * A host may have several addresses. They are tried one after the other; with
 * a happy_eyeballs_delay (RFC 8305, which recommends WEFT_MS(250)) the next try
 * begins when the one before has failed or that much time has passed, whichever
 * comes first, and the first to be connected wins. What loses is closed.
 *
 *     tried --answered--> connected            the others are closed
 *       |  `--refused---> next address
 *       `----delay------> next address as well
 *
 * When every try failed, the error is that of the only one, or of all if they
 * say the same, or one that lists them: "Multiple exceptions: [Errno 111] ...".
 * Then the parts are its children (weft_error_get_child).
 *
 *     weft_connect_options how = WEFT_CONNECT_OPTIONS_INIT;
 *     weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
 *     how.happy_eyeballs_delay = WEFT_MS(250);
 *     options.connect = &how;
 *     WEFT_TRY(weft_open_connection("example.org", 80, &options, &stream));
 *
 * From: docs.python.org/3.11/library/asyncio-eventloop.html, create_connection.
 */

#include "weft/base.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** Options of connecting; all zero is the default. Start from WEFT_CONNECT_OPTIONS_INIT. */
typedef struct weft_connect_options {
    size_t size;
    int family;             /* AF_INET or AF_INET6; 0: both */
    int proto;              /* of the look-up and the socket; 0: any */
    int flags;              /* AI_... bits of the look-up */
    int interleave;         /* mix the families, after so many of the first one less one; 0: 1
                               with a happy_eyeballs_delay, else the resolver's order */
    const char *local_host; /* bind to it before connecting; NULL: the system chooses */
    int local_port;         /* 0: any; with no local_host: of a loopback address */
    int sock;               /* a connected stream socket to be taken instead, when host is NULL and
                               port 0; it stays the caller's on failure */
    int all_errors;         /* not 0: WEFT_EGROUP with every failure, even with a single one */
    weft_duration happy_eyeballs_delay; /* 0: strictly one after the other */
    weft_duration limit;                /* for everything together; 0: none */
} weft_connect_options;

#define WEFT_CONNECT_OPTIONS_INIT                                     \
    {                                                                 \
        sizeof(weft_connect_options), 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0 \
    }

WEFT_END_DECLS

#endif
