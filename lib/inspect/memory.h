#ifndef WF_INSPECT_MEMORY_H
#define WF_INSPECT_MEMORY_H

/*
 * The memory of a process, ours or another's, read without trust in any pointer.
 *
 * All reads go through the kernel (process_vm_readv(2), else /proc/PID/mem): a bad address is
 * -EFAULT and never a fault, a torn word is the caller's to notice, and ThreadSanitizer, which
 * cannot know that the caller notices, does not see them. Nothing here allocates.
 *
 * Thread: any; one reader of a struct wf_memory at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wf_memory {
    pid_t pid;
    bool is_own;
    int fd; /* owned: /proc/PID/mem, where process_vm_readv is not allowed; -1: not open */
    uint64_t n_reads;
};

/* One piece of a batch. */
struct wf_memory_part {
    uint64_t from;
    void *to;
    size_t n;
    int code; /* 0, or why it was not read */
};

/* <pid> 0: this process. -ESRCH, -EPERM. */
int wf_memory_open(struct wf_memory *memory, pid_t pid);
void wf_memory_close(struct wf_memory *memory);

/* All <n> bytes at <from>, or -EFAULT (some of <to> may be written), -ESRCH, -EPERM. */
int wf_memory_read(struct wf_memory *memory, uint64_t from, void *to, size_t n);
/* Several at once, each with its own code; how many could be read. */
size_t wf_memory_read_many(struct wf_memory *memory, struct wf_memory_part *parts, size_t n);
/*
 * A text that ends with a zero byte, cut at <size> - 1 bytes; what is no printable ASCII or UTF-8
 * becomes '?'. 0 or a code; then <to> is "".
 */
int wf_memory_read_text(struct wf_memory *memory, uint64_t from, char *to, size_t size);

#endif
