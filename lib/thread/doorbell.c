/*
 * The doorbell over eventfd. See doorbell.h.
 */

#include "thread/doorbell.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wf_doorbell_open(void)
{
    if (wf_alloc_may_fail_now()) {
        return -EMFILE;
    }
    int doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return doorbell >= 0 ? doorbell : -errno;
}

void wf_doorbell_close(int doorbell)
{
    if (doorbell >= 0) {
        close(doorbell);
    }
}

void wf_doorbell_ring(int doorbell)
{
    const uint64_t one = 1;
    int saved = errno;

    /* EAGAIN would mean a full counter (doorbell.h); there is no other failure. */
    ssize_t ignored = write(doorbell, &one, sizeof one);
    (void)ignored;
    errno = saved;
}
