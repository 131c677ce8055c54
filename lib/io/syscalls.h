#ifndef WF_IO_SYSCALLS_H
#define WF_IO_SYSCALLS_H

/*
 * read(2) and send(2) for the paths that every request takes.
 *
 * glibc's are places where a thread may be cancelled: in a process of two threads or more, and
 * with a monitor that is each, they spend 100 instructions on that before and after the call.
 * Nobody cancels a loop's thread; its descriptors do not block. The sanitizers see the calls of
 * glibc only, so there these are used.
 *
 * Thread: any.
 */

#include "coro/sanitizer.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef WF_SANITIZED

static inline ssize_t wf_sys_read(int fd, void *buffer, size_t size)
{
    return read(fd, buffer, size);
}

static inline ssize_t wf_sys_send(int fd, const void *data, size_t size, int flags)
{
    return send(fd, data, size, flags);
}

#else

static inline ssize_t wf_sys_read(int fd, void *buffer, size_t size)
{
    return syscall(SYS_read, fd, buffer, size);
}

static inline ssize_t wf_sys_send(int fd, const void *data, size_t size, int flags)
{
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

#endif

#endif
