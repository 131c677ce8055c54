#ifndef WEFT_DAEMON_SUPERVISOR_SOCKETS_H
#define WEFT_DAEMON_SUPERVISOR_SOCKETS_H

/*
 * Making listening sockets, so that nobody is robbed and nothing is open wider
 * than asked for even for a moment. All are non-blocking and close-on-exec.
 *
 * Failures come with a sentence for people: why is 256 bytes or so.
 */

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SOCKETS_TEXT_SIZE = 160
}; /* of an address as text */

/**
 * Listen on a TCP address with SO_REUSEPORT, so that more sockets of this user can join.
 *
 * <is_first> refuses an address on which anybody listens already, this user included; without it
 * the socket joins. <port> replaces that of <address> when it is not 0.
 *
 * Errors:  system codes, with <why>.
 */
int sockets_listen_tcp(const struct config_address *address, uint16_t port, int backlog,
                       bool is_first, int *out_fd, char *why, size_t why_size);

/**
 * Listen on a unix socket whose file has exactly <mode> from its first moment.
 *
 * A file in the way is removed only if it is a socket on which nobody listens. *out_status is that
 * of the file, for sockets_unlink.
 *
 * Errors:  system codes, with <why>.
 */
int sockets_listen_unix(const char *path, mode_t mode, int backlog, int *out_fd,
                        struct stat *out_status, char *why, size_t why_size);

/** Remove the file of a unix socket if it is still the one of <status>. */
void sockets_unlink(const char *path, const struct stat *status);

/** Write the address that <fd> listens on as `127.0.0.1:80`, `[::1]:80` or `unix:/path`. */
void sockets_describe(int fd, char *out, size_t size);

/** The family and the port (0 for unix) of a socket that listens. Errors: -EINVAL for any other. */
int sockets_examine(int fd, enum config_family *out_family, uint16_t *out_port);

#ifdef __cplusplus
}
#endif

#endif
