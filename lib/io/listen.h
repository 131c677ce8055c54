#ifndef WF_IO_LISTEN_H
#define WF_IO_LISTEN_H

/*
 * Listening sockets: made from an address, or looked at when somebody else
 * made them.
 *
 * A server that is to start later is bound only: the caller listens.
 *
 * Thread: any.
 */

#include "io/address.h"
#include "weft/server.h"

#include <sys/types.h>

/* The file that a unix socket left in the file system. */
struct wf_socket_file {
    char *path; /* owned; NULL: none */
    dev_t device;
    ino_t inode;
};

/* <host> and <port>, of which NULL, "" and "*" mean every address. A system code, WEFT_EINVAL. */
int wf_listen_tcp(const char *host, int port, const weft_server_options *options, int *out_fd);

/* One address; it listens unless options->start_serving is negative. A system code. */
int wf_listen_address(const struct wf_address *address, const weft_server_options *options,
                      int *out_fd);

/* <path>, whose stale socket file is replaced. *out_file is to be removed at the end. */
int wf_listen_unix(const char *path, const weft_server_options *options, int *out_fd,
                   struct wf_socket_file *out_file);

/* Remove the file if it is still ours, and forget it. */
void wf_socket_file_remove(struct wf_socket_file *file);

/* Make a listening socket that was handed over fit: 0, WEFT_EINVAL when it does not listen. */
int wf_listen_check(int fd);

/* Its TCP port; 0 for others. */
int wf_listen_get_port(int fd);

#endif
