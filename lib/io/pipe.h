#ifndef WF_IO_PIPE_H
#define WF_IO_PIPE_H

/*
 * What streams and transports over pipes share.
 *
 * Thread: any.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * As CPython: refuse what cannot be waited for, by its kind, and make the rest non-blocking.
 * *out_is_device, if there: it is a character device, whose other end is not watched.
 * WEFT_EINVAL for files and folders; -EBADF.
 */
int wf_pipe_prepare(int fd, bool is_reader, bool *out_is_device);
/* writev(2) without a SIGPIPE. */
ssize_t wf_pipe_write(int fd, const struct iovec *pieces, size_t n);

#endif
