/*
 * Calls on paths, whole files and folders: each is one job (file_job.c).
 *
 * Thread: the loop's, in a task; the functions named run_... on threads of the executor.
 */

#include "io/file.h"

#include "base/alloc.h"
#include "base/log.h"
#include "weft/bytes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    FIRST_ROOM = 4096,
    MAX_TRIES = 100 /* to find a name for a temporary file */
};

/* ---- plain calls -------------------------------------------------------- */

struct call {
    const char *what;
    int (*run)(struct wf_file_job *job);
    const char *path;
    const char *other;
    bool has_other;
    int64_t size;
    mode_t mode;
};

/* Run it, and keep the job for its results. */
static int run_call(const struct call *call, struct wf_file_job **out_job)
{
    struct wf_io *io;
    int code = wf_file_begin(call->what, &io);

    if (code < 0) {
        return code;
    }
    if (call->path == NULL || (call->has_other && call->other == NULL)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s without a path", call->what);
    }
    struct wf_file_job *job = wf_file_job_create(call->run, call->path, call->other, 0);
    if (job != NULL) {
        job->mode = call->mode;
        job->offset = call->size;
    }
    return wf_file_run(WEFT_ORIGIN(NULL), io, job, out_job);
}

static int run_plain(const struct call *call)
{
    struct wf_file_job *job;
    int code = run_call(call, &job);

    if (code == 0) {
        wf_file_job_destroy(job);
    }
    return code;
}

/* What a system call of a job came to. */
static int end(const struct wf_file_job *job, int result)
{
    return result < 0 ? wf_file_fail(errno, job->path) : 0;
}

static int run_stat(struct wf_file_job *job)
{
    return end(job, stat(job->path, &job->status));
}

static int run_lstat(struct wf_file_job *job)
{
    return end(job, lstat(job->path, &job->status));
}

static int run_rename(struct wf_file_job *job)
{
    return end(job, rename(job->path, job->other));
}

static int run_unlink(struct wf_file_job *job)
{
    return end(job, unlink(job->path));
}

static int run_mkdir(struct wf_file_job *job)
{
    return end(job, mkdir(job->path, job->mode));
}

static int run_rmdir(struct wf_file_job *job)
{
    return end(job, rmdir(job->path));
}

static int run_truncate(struct wf_file_job *job)
{
    return end(job, truncate(job->path, job->offset));
}

static int run_status(const struct call *call, struct stat *out_stat)
{
    struct wf_file_job *job;

    if (out_stat == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the status");
    }
    int code = run_call(call, &job);
    if (code == 0) {
        *out_stat = job->status;
        wf_file_job_destroy(job);
    }
    return code;
}

int weft_fs_stat(const char *path, struct stat *out_stat)
{
    return run_status(&(struct call){ .what = "weft_fs_stat", .run = run_stat, .path = path },
                      out_stat);
}

int weft_fs_lstat(const char *path, struct stat *out_stat)
{
    return run_status(&(struct call){ .what = "weft_fs_lstat", .run = run_lstat, .path = path },
                      out_stat);
}

int weft_fs_rename(const char *from, const char *to)
{
    return run_plain(&(struct call){ .what = "weft_fs_rename",
                                     .run = run_rename,
                                     .path = from,
                                     .other = to,
                                     .has_other = true });
}

int weft_fs_unlink(const char *path)
{
    return run_plain(&(struct call){ .what = "weft_fs_unlink", .run = run_unlink, .path = path });
}

int weft_fs_mkdir(const char *path, mode_t mode)
{
    return run_plain(
        &(struct call){ .what = "weft_fs_mkdir", .run = run_mkdir, .path = path, .mode = mode });
}

int weft_fs_rmdir(const char *path)
{
    return run_plain(&(struct call){ .what = "weft_fs_rmdir", .run = run_rmdir, .path = path });
}

int weft_fs_truncate(const char *path, int64_t size)
{
    if (size < 0) {
        return weft_fail(WEFT_EINVAL, "a negative size");
    }
    return run_plain(&(struct call){
        .what = "weft_fs_truncate", .run = run_truncate, .path = path, .size = size });
}

/* ---- whole files: reading ----------------------------------------------- */

/* Bytes that are read, with room for <room> of them and a zero byte. */
struct whole {
    weft_bytes *bytes; /* owned */
    size_t room;
};

static int grow(struct whole *whole, size_t room)
{
    weft_bytes *grown =
        room > SIZE_MAX / 2 ? NULL : wf_realloc(whole->bytes, sizeof(weft_bytes) + room + 1);

    if (grown == NULL) {
        return WEFT_ENOMEM;
    }
    if (whole->bytes == NULL) {
        grown->size = 0;
    }
    grown->data = (char *)(grown + 1);
    whole->bytes = grown;
    whole->room = room;
    return 0;
}

/* Read to the end; <limit> 0: none. */
static int read_whole(int fd, size_t limit, struct whole *whole)
{
    for (;;) {
        if (whole->bytes->size == whole->room) {
            int code = grow(whole, whole->room * 2);
            if (code < 0) {
                return code;
            }
        }
        weft_bytes *bytes = whole->bytes;
        ssize_t n = read(fd, bytes->data + bytes->size, whole->room - bytes->size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : 0;
        }
        bytes->size += (size_t)n;
        if (limit > 0 && bytes->size > limit) {
            return -EFBIG;
        }
    }
}

static int run_read_file(struct wf_file_job *job)
{
    struct whole whole = { NULL, 0 };
    size_t limit = (size_t)job->offset;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return wf_file_fail(errno, job->path);
    }
    int code = fstat(fd, &job->status) < 0 ? -errno : 0;
    size_t size = code == 0 && job->status.st_size > 0 ? (size_t)job->status.st_size : 0;
    if (code == 0 && limit > 0 && S_ISREG(job->status.st_mode) && size > limit) {
        code = -EFBIG;
    }
    code = code < 0 ? code : grow(&whole, size < FIRST_ROOM ? FIRST_ROOM : size + 1);
    code = code < 0 ? code : read_whole(fd, limit, &whole);
    (void)close(fd); /* nothing was written to it */
    if (code < 0) {
        weft_bytes_destroy(whole.bytes);
        return code > WEFT_ECANCELED ? wf_file_fail(-code, job->path) : code;
    }
    whole.bytes->data[whole.bytes->size] = '\0';
    job->made = whole.bytes;
    return 0;
}

int weft_fs_read_file(const char *path, size_t limit, weft_bytes **out_bytes)
{
    struct wf_file_job *job;
    struct wf_io *io;
    int code = wf_file_begin("weft_fs_read_file", &io);

    if (code < 0) {
        return code;
    }
    if (path == NULL || out_bytes == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a path and a place for the bytes");
    }
    job = wf_file_job_create(run_read_file, path, NULL, 0);
    if (job != NULL) {
        job->drop = weft_bytes_destroy;
        job->offset = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
    }
    code = wf_file_run(WEFT_ORIGIN(NULL), io, job, &job);
    if (code == 0) {
        *out_bytes = job->made;
        job->made = NULL;
        wf_file_job_destroy(job);
    }
    return code;
}

/* ---- whole files: writing ----------------------------------------------- */

/* A new file beside <path>, whose name is written to <name>, of <size>. The descriptor or a code.
 */
static int make_temporary(const char *path, mode_t mode, char *name, size_t size)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        unsigned number;
        if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0) {
            number = (unsigned)i;
        }
        if ((size_t)snprintf(name, size, "%s.%08x.tmp", path, number) >= size) {
            return -ENAMETOOLONG;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0 || errno != EEXIST) {
            return fd < 0 ? -errno : fd;
        }
    }
    return -EEXIST;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* The folder knows the new name for good. Some file systems cannot, and need not. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? wf_strdup(".") : wf_strdup(path);

    if (folder == NULL) {
        return WEFT_ENOMEM;
    }
    if (slash != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    wf_free(folder);
    if (fd < 0) {
        return -errno;
    }
    int code = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    (void)close(fd); /* nothing was written to it */
    return code;
}

/* The bytes, with the mode of the file that they replace, on the disk. */
static int fill(const struct wf_file_job *job, int fd)
{
    struct stat before;
    int code = write_all(fd, job->buffer, job->size);

    if (code == 0 && stat(job->path, &before) == 0 && fchmod(fd, before.st_mode & 07777) < 0) {
        code = -errno;
    }
    if (code == 0 && fsync(fd) < 0) {
        code = -errno;
    }
    if (close(fd) < 0 && code == 0) {
        code = -errno;
    }
    return code;
}

static int run_write_file(struct wf_file_job *job)
{
    size_t size = strlen(job->path) + sizeof ".00000000.tmp";
    char *name = wf_alloc(size);

    if (name == NULL) {
        return WEFT_ENOMEM;
    }
    int fd = make_temporary(job->path, job->mode, name, size);
    int code = fd < 0 ? fd : fill(job, fd);
    if (code == 0 && rename(name, job->path) < 0) {
        code = -errno;
    }
    if (code < 0 && fd >= 0) {
        (void)unlink(name); /* what matters went wrong before */
    }
    wf_free(name);
    code = code < 0 ? code : sync_folder(job->path);
    return code > WEFT_ECANCELED && code < 0 ? wf_file_fail(-code, job->path) : code;
}

int weft_fs_write_file(const char *path, const void *data, size_t size, mode_t mode)
{
    struct wf_file_job *job;
    struct wf_io *io;
    int code = wf_file_begin("weft_fs_write_file", &io);

    if (code < 0) {
        return code;
    }
    if (path == NULL || (data == NULL && size > 0)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a path and data to write");
    }
    job = wf_file_job_create(run_write_file, path, NULL, size);
    if (job != NULL) {
        job->mode = mode;
        if (size > 0) {
            memcpy(job->buffer, data, size);
        }
    }
    code = wf_file_run(WEFT_ORIGIN(NULL), io, job, &job);
    if (code == 0) {
        wf_file_job_destroy(job);
    }
    return code;
}

/* ---- folders ------------------------------------------------------------ */

struct weft_folder {
    size_t n;
    size_t room;
    weft_folder_entry *entries; /* owned, with their names */
};

void weft_folder_destroy(weft_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    for (size_t i = 0; i < folder->n; i++) {
        wf_free((void *)(uintptr_t)folder->entries[i].name);
    }
    wf_free(folder->entries);
    wf_free(folder);
}

static void drop_folder(void *made)
{
    weft_folder_destroy(made);
}

static int add_entry(weft_folder *folder, const struct dirent *entry)
{
    if (folder->n == folder->room) {
        size_t room = folder->room == 0 ? 16 : folder->room * 2;
        weft_folder_entry *entries = wf_realloc(folder->entries, room * sizeof *entries);
        if (entries == NULL) {
            return WEFT_ENOMEM;
        }
        folder->entries = entries;
        folder->room = room;
    }
    char *name = wf_strdup(entry->d_name);
    if (name == NULL) {
        return WEFT_ENOMEM;
    }
    folder->entries[folder->n++] = (weft_folder_entry){ name, entry->d_type, entry->d_ino };
    return 0;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int read_entries(DIR *stream, weft_folder *folder)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno != 0 ? -errno : 0;
        }
        int code = is_dots(entry->d_name) ? 0 : add_entry(folder, entry);
        if (code < 0) {
            return code;
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const weft_folder_entry *)a)->name, ((const weft_folder_entry *)b)->name);
}

static int run_readdir(struct wf_file_job *job)
{
    weft_folder *folder = wf_new(weft_folder);

    if (folder == NULL) {
        return WEFT_ENOMEM;
    }
    DIR *stream = opendir(job->path);
    int code = stream == NULL ? -errno : read_entries(stream, folder);
    if (stream != NULL) {
        (void)closedir(stream); /* nothing was written to it */
    }
    if (code < 0) {
        weft_folder_destroy(folder);
        return code > WEFT_ECANCELED ? wf_file_fail(-code, job->path) : code;
    }
    if (folder->n > 1) {
        qsort(folder->entries, folder->n, sizeof *folder->entries, compare_names);
    }
    job->made = folder;
    return 0;
}

int weft_fs_readdir(const char *path, weft_folder **out_folder)
{
    struct wf_file_job *job;
    struct wf_io *io;
    int code = wf_file_begin("weft_fs_readdir", &io);

    if (code < 0) {
        return code;
    }
    if (path == NULL || out_folder == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a path and a place for the folder");
    }
    job = wf_file_job_create(run_readdir, path, NULL, 0);
    if (job != NULL) {
        job->drop = drop_folder;
    }
    code = wf_file_run(WEFT_ORIGIN(NULL), io, job, &job);
    if (code == 0) {
        *out_folder = job->made;
        job->made = NULL;
        wf_file_job_destroy(job);
    }
    return code;
}

size_t weft_folder_get_n(const weft_folder *folder)
{
    return folder == NULL ? 0 : folder->n;
}

const weft_folder_entry *weft_folder_get(const weft_folder *folder, size_t i)
{
    return folder == NULL || i >= folder->n ? NULL : &folder->entries[i];
}
