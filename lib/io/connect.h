#ifndef WF_IO_CONNECT_H
#define WF_IO_CONNECT_H

/*
 * Connecting a socket: what streams and transports share.
 *
 * Thread: the loop's, in a task.
 */

#include "io/address.h"
#include "io/io.h"
#include "weft/connect.h"

/* A socket that is connected and does not block. */
struct wf_connected {
    int fd;
    bool is_given; /* the user's own: to be left open when nothing comes of it */
    struct wf_address peer;
};

/* Read what the caller set of <options>, defaults for the rest. WEFT_EINVAL. */
int wf_connect_read_options(const weft_connect_options *options, weft_connect_options *out_options);

/*
 * Connect to <host> and <port>, as weft_open_connection says; <options> are from
 * wf_connect_read_options. The running task waits, until <deadline> at most.
 */
int wf_connect(struct wf_io *io, const char *host, int port, const weft_connect_options *options,
               weft_time deadline, const weft_origin *origin, struct wf_connected *out);
/* The same to a unix socket. */
int wf_connect_unix(struct wf_io *io, const char *path, weft_time deadline,
                    const weft_origin *origin, struct wf_connected *out);

/* Give up what nobody got to have. */
void wf_connected_drop(struct wf_connected *connected);

/* The loop closes. */
void wf_connects_close_all(struct wf_io *io);

#endif
