/*
 * The dump: what a snapshot says, written to a descriptor.
 *
 * Thread: any.
 */

#include "weft/inspect.h"

#include "weft/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int check(int fd, unsigned flags)
{
    if ((flags & ~(unsigned)(WEFT_DUMP_ALL | WEFT_DUMP_JSON)) != 0) {
        return weft_fail(WEFT_EINVAL, "0x%x are no flags of a dump", flags);
    }
    if ((flags & WEFT_DUMP_ALL) == 0) {
        return weft_fail(WEFT_EINVAL, "a dump of no part");
    }
    if (fcntl(fd, F_GETFL) < 0) {
        return weft_fail(WEFT_EINVAL, "%d is no open descriptor", fd);
    }
    return 0;
}

int weft_dump(int fd, unsigned flags)
{
    int r = check(fd, flags);

    if (r < 0) {
        return r;
    }
    dprintf(fd,
            (flags & WEFT_DUMP_JSON) != 0 ? "{\"weft\":\"%s\",\"pid\":%d}\n"
                                          : "weft %s, process %d\n",
            WEFT_VERSION, (int)getpid());
    return 0;
}

int weft_dump_task(int fd, uint64_t id, unsigned flags)
{
    int r = check(fd, flags | WEFT_DUMP_TASKS);

    return r < 0 ? r : weft_fail(WEFT_ELOOKUP, "no task %llu", (unsigned long long)id);
}

int weft_dump_process(int fd, pid_t pid, unsigned flags)
{
    int r = check(fd, flags);

    if (r == 0 && pid <= 0) {
        r = weft_fail(WEFT_EINVAL, "%d is no process", (int)pid);
    }
    return r < 0 ? r : weft_fail(WEFT_ELOOKUP, "process %d cannot be read", (int)pid);
}
