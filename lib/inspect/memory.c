/*
 * Reading memory without trust (memory.h).
 *
 * process_vm_readv(2) serves this process too. Where it is not allowed (the filter
 * of a sandbox), /proc/PID/mem is opened once and read instead; the kernel asks for
 * the same rights there.
 *
 * A batch is one call for up to 64 parts. The kernel stops at the first part that
 * it cannot read to its end; the batch goes on after it.
 *
 * Thread: see memory.h.
 */

#include "inspect/memory.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAX_BATCH = 64,
    TEXT_CHUNK = 64
};

int wf_memory_open(struct wf_memory *memory, pid_t pid)
{
    bool is_own = pid == 0 || pid == getpid();

    if (!is_own && kill(pid, 0) < 0 && errno == ESRCH) {
        return -ESRCH;
    }
    *memory = (struct wf_memory){ .pid = is_own ? getpid() : pid, .is_own = is_own, .fd = -1 };
    return 0;
}

void wf_memory_close(struct wf_memory *memory)
{
    if (memory->fd >= 0) {
        close(memory->fd);
    }
    memory->fd = -1;
}

/* By the file, from now on. 0, or why it cannot be opened. */
static int open_file(struct wf_memory *memory)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/mem", (int)memory->pid);
    memory->fd = open(path, O_RDONLY | O_CLOEXEC);
    return memory->fd >= 0 ? 0 : -errno;
}

static int read_file(const struct wf_memory *memory, struct wf_memory_part *part)
{
    ssize_t n = pread(memory->fd, part->to, part->n, (off_t)part->from);

    if (n == (ssize_t)part->n) {
        return 0;
    }
    return n < 0 && errno == ESRCH ? -ESRCH : -EFAULT;
}

/* Up to MAX_BATCH parts by one call; how many were read to their ends, or a code. */
static ssize_t read_batch(const struct wf_memory *memory, const struct wf_memory_part *parts,
                          size_t n)
{
    struct iovec local[MAX_BATCH] = { 0 }; /* the compiler does not see that n is never 0 */
    struct iovec remote[MAX_BATCH] = { 0 };
    size_t n_whole = 0;

    for (size_t i = 0; i < n; i++) {
        local[i] = (struct iovec){ .iov_base = parts[i].to, .iov_len = parts[i].n };
        remote[i] =
            (struct iovec){ .iov_base = (void *)(uintptr_t)parts[i].from, .iov_len = parts[i].n };
    }
    ssize_t n_bytes = process_vm_readv(memory->pid, local, n, remote, n, 0);
    if (n_bytes < 0) {
        return -errno;
    }
    while (n_whole < n && (size_t)n_bytes >= parts[n_whole].n) {
        n_bytes -= (ssize_t)parts[n_whole].n;
        n_whole++;
    }
    return (ssize_t)n_whole;
}

static size_t fill_codes(struct wf_memory_part *parts, size_t n, int code)
{
    for (size_t i = 0; i < n; i++) {
        parts[i].code = code;
    }
    return n;
}

/* What process_vm_readv refuses for all addresses, and the file may not. */
static bool is_refusal(ssize_t code)
{
    return code == -EPERM || code == -ENOSYS || code == -EACCES;
}

/* One step of a batch: some parts, of which at least one gets its code. Returns how many. */
static size_t read_some(struct wf_memory *memory, struct wf_memory_part *parts, size_t n)
{
    ssize_t done;

    memory->n_reads++;
    if (memory->fd >= 0) {
        parts[0].code = read_file(memory, &parts[0]);
        return 1;
    }
    n = n < MAX_BATCH ? n : MAX_BATCH;
    done = read_batch(memory, parts, n);
    if (is_refusal(done)) {
        return open_file(memory) == 0 ? 0 : fill_codes(parts, n, (int)done);
    }
    if (done < 0 && done != -EFAULT) {
        return fill_codes(parts, n, (int)done);
    }
    done = done < 0 ? 0 : done;
    (void)fill_codes(parts, (size_t)done, 0);
    if ((size_t)done < n) {
        parts[done++].code = -EFAULT;
    }
    return (size_t)done;
}

size_t wf_memory_read_many(struct wf_memory *memory, struct wf_memory_part *parts, size_t n)
{
    size_t n_read = 0;

    for (size_t i = 0; i < n;) {
        i += read_some(memory, parts + i, n - i);
    }
    for (size_t i = 0; i < n; i++) {
        n_read += parts[i].code == 0;
    }
    return n_read;
}

int wf_memory_read(struct wf_memory *memory, uint64_t from, void *to, size_t n)
{
    struct wf_memory_part part = { .from = from, .to = to, .n = n };

    (void)wf_memory_read_many(memory, &part, 1); /* the part tells */
    return part.code;
}

static void make_printable(char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t size = wf_text_measure_character(text + i, n - i);
        if (size == 0) {
            text[i] = '?';
        }
        i += size > 0 ? size : 1;
    }
}

/* In chunks that do not cross a border of 64 bytes, so that none reaches into a foreign page. */
int wf_memory_read_text(struct wf_memory *memory, uint64_t from, char *to, size_t size)
{
    size_t used = 0;

    if (size == 0) {
        return -EINVAL;
    }
    while (used < size - 1) {
        size_t n = TEXT_CHUNK - (from + used) % TEXT_CHUNK;
        n = n < size - 1 - used ? n : size - 1 - used;
        int r = wf_memory_read(memory, from + used, to + used, n);
        if (r < 0) {
            to[0] = '\0';
            return r;
        }
        const char *end = memchr(to + used, '\0', n);
        if (end != NULL) {
            used = (size_t)(end - to);
            break;
        }
        used += n;
    }
    to[used] = '\0';
    make_printable(to, used);
    return 0;
}
