/*
 * Files: an object around a descriptor, whose calls are jobs (file_job.c).
 *
 * The position of a file that has one is kept here and moved when a result is
 * taken, so that a cancelled call moves nothing. The descriptor is shared with the jobs
 * that run; the last one to let go closes it, so none ever works on a number that
 * stands for something else by then.
 *
 * The memory goes when the owner has released the file and no task is inside a call.
 *
 * Thread: the loop's; the functions named run_... on threads of the executor.
 */

#include "io/file.h"

#include "base/alloc.h"
#include "base/log.h"
#include "task/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAGIC 0x77664669u

enum {
    MAX_PIECE = 16 << 20, /* bytes in one call of read */
    DESCRIPTION_SIZE = 256
};

struct weft_file {
    uint32_t magic;
    uint16_t n_busy;                  /* tasks inside a call */
    bool is_released;                 /* the owner is done with it */
    bool is_positioning;              /* a task uses the position */
    bool has_position;                /* else the kernel's is used */
    weft_loop *loop;                  /* held */
    struct wf_io *io;                 /* borrowed: NULL once the loop is closed */
    struct wf_descriptor *descriptor; /* ref; NULL once it is closed */
    struct wf_file_job *closer;       /* owned: the job that will close it */
    int64_t position;
    const weft_origin *origin; /* static */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_io_member member;
    char path[];
};

/* ---- life --------------------------------------------------------------- */

static void maybe_free(weft_file *file)
{
    weft_loop *loop = file->loop;

    if (!file->is_released || file->n_busy > 0) {
        return;
    }
    wf_list_remove(&file->member.link);
    wf_file_job_destroy(file->closer);
    wf_creation_free(file->creation);
    file->magic = 0;
    wf_free(file);
    wf_loop_let_go(loop);
}

static void report_unclosed(const weft_file *file)
{
    char description[DESCRIPTION_SIZE];

    (void)snprintf(description, sizeof description, "file fd=%d '%s'", file->descriptor->fd,
                   file->path);
    wf_io_report_unclosed(file->loop, "file", description, file->created_at, file->origin,
                          file->creation);
}

/* Without waiting: for those who forgot to close it. */
static void close_here(weft_file *file)
{
    report_unclosed(file);
    (void)wf_descriptor_unref(file->descriptor); /* the report says more than its code */
    file->descriptor = NULL;
}

static void close_with_loop(struct wf_io_member *member)
{
    weft_file *file = WF_CONTAINER_OF(member, weft_file, member);

    if (file->descriptor != NULL) {
        close_here(file);
    }
    wf_list_remove(&file->member.link);
    file->io = NULL;
    file->n_busy = 0; /* nobody comes back */
    maybe_free(file);
}

static int run_close(struct wf_file_job *job)
{
    struct wf_descriptor *descriptor = job->descriptor;

    job->descriptor = NULL;
    return wf_descriptor_unref(descriptor);
}

static weft_file *create(const weft_origin *origin, struct wf_io *io, const char *path)
{
    size_t size = strlen(path) + 1;
    weft_file *file = wf_alloc_zeroed(1, sizeof *file + size);

    if (file == NULL) {
        return NULL;
    }
    file->closer = wf_file_job_create(run_close, NULL, NULL, 0);
    if (file->closer == NULL) {
        wf_free(file);
        return NULL;
    }
    file->magic = FILE_MAGIC;
    file->loop = io->loop;
    file->io = io;
    file->origin = origin;
    file->created_at = wf_loop_now(io->loop);
    file->creation = wf_loop_capture_creation(io->loop);
    file->member.close = close_with_loop;
    memcpy(file->path, path, size);
    return file;
}

/* ---- opening ------------------------------------------------------------ */

static void drop_descriptor(void *made)
{
    (void)wf_descriptor_unref(made); /* nobody wrote to it */
}

static int run_open(struct wf_file_job *job)
{
    int fd = open(job->path, job->flags | O_CLOEXEC, job->mode);

    if (fd < 0) {
        return wf_file_fail(errno, job->path);
    }
    /* Where the end is moves under who appends; what cannot be positioned says so. */
    job->result = !(job->flags & O_APPEND) && lseek(fd, 0, SEEK_CUR) >= 0;
    job->made = wf_descriptor_create(fd);
    if (job->made == NULL) {
        (void)close(fd); /* nobody wrote to it */
        return WEFT_ENOMEM;
    }
    return 0;
}

int weft_file_open_at(const weft_origin *origin, const char *path, int flags, mode_t mode,
                      weft_file **out_file)
{
    struct wf_file_job *job;
    struct wf_io *io;
    int code = wf_file_begin("weft_file_open", &io);

    if (code < 0) {
        return code;
    }
    if (path == NULL || out_file == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a path and a place for the file");
    }
    weft_file *file = create(origin, io, path);
    if (file == NULL) {
        return WEFT_ENOMEM;
    }
    wf_list_append(&io->members, &file->member.link);
    wf_loop_hold(io->loop);
    file->is_released = true; /* until it is handed over, it goes with the loop */
    file->n_busy = 1;
    job = wf_file_job_create(run_open, path, NULL, 0);
    if (job != NULL) {
        job->flags = flags;
        job->mode = mode;
        job->drop = drop_descriptor;
    }
    code = wf_file_run(origin, io, job, &job);
    file->n_busy = 0;
    if (code < 0) {
        maybe_free(file);
        return code;
    }
    file->is_released = false;
    file->descriptor = job->made;
    job->made = NULL;
    file->has_position = job->result != 0;
    wf_file_job_destroy(job);
    *out_file = file;
    return 0;
}

/* ---- using it ----------------------------------------------------------- */

static int check(const weft_file *file)
{
    if (file == NULL || file->magic != FILE_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a file");
    }
    return wf_loop_check(file->loop);
}

static int begin(weft_file *file, const char *what)
{
    struct wf_task *task;
    int code = check(file);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (file->loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a file of another loop", what);
    }
    return file->descriptor == NULL ? WEFT_ECLOSED : 0;
}

/* Run a job on the file's descriptor; as wf_file_run. */
static int run(weft_file *file, struct wf_file_job *job, struct wf_file_job **out_job)
{
    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    job->descriptor = wf_descriptor_ref(file->descriptor);
    file->n_busy++;
    int code = wf_file_run(file->origin, file->io, job, out_job);
    file->n_busy--;
    return code;
}

/* The same for a call that has no result but its code, and for the end of all calls. */
static int run_plain(weft_file *file, struct wf_file_job *job)
{
    int code = run(file, job, &job);

    if (code == 0) {
        wf_file_job_destroy(job);
    }
    maybe_free(file);
    return code;
}

static int run_read(struct wf_file_job *job)
{
    int fd = job->descriptor->fd;
    ssize_t n;

    do {
        n = job->offset >= 0 ? pread(fd, job->buffer, job->size, job->offset)
                             : read(fd, job->buffer, job->size);
    } while (n < 0 && errno == EINTR);
    job->result = n;
    return n < 0 ? -errno : 0;
}

/* Read at <offset>; -1: where the kernel stands. */
static int read_at(weft_file *file, void *buffer, size_t size, int64_t offset, size_t *out_n)
{
    struct wf_file_job *job =
        wf_file_job_create(run_read, NULL, NULL, size < MAX_PIECE ? size : MAX_PIECE);

    if (job != NULL) {
        job->offset = offset;
    }
    int code = run(file, job, &job);
    if (code == 0) {
        *out_n = (size_t)job->result;
        if (job->result > 0 && buffer != NULL) {
            memcpy(buffer, job->buffer, (size_t)job->result);
        }
        wf_file_job_destroy(job);
    }
    return code;
}

static int run_write(struct wf_file_job *job)
{
    int fd = job->descriptor->fd;
    size_t done = 0;

    do {
        const char *data = job->buffer + done;
        ssize_t n = job->offset >= 0
                        ? pwrite(fd, data, job->size - done, job->offset + (int64_t)done)
                        : write(fd, data, job->size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            job->error = -errno;
            break;
        }
        done += (size_t)n;
    } while (done < job->size);
    job->result = (int64_t)done;
    return done == 0 ? job->error : 0;
}

static int write_at(weft_file *file, const void *data, size_t size, int64_t offset, size_t *out_n)
{
    struct wf_file_job *job = wf_file_job_create(run_write, NULL, NULL, size);

    if (job != NULL) {
        job->offset = offset;
        if (size > 0) {
            memcpy(job->buffer, data, size);
        }
    }
    int code = run(file, job, &job);
    if (code < 0) {
        return code;
    }
    if (file->has_position && file->is_positioning && offset >= 0) {
        file->position += job->result; /* also of half a write */
    }
    if (out_n != NULL) {
        *out_n = (size_t)job->result;
    } else {
        code = job->error;
    }
    wf_file_job_destroy(job);
    return code;
}

/* Take the position for one call. */
static int begin_at_position(weft_file *file, const char *what)
{
    int code = begin(file, what);

    if (code == 0 && file->is_positioning) {
        return weft_fail(WEFT_ERUNTIME, "%s while another task uses the position of the file",
                         what);
    }
    return code;
}

static int refuse_place(void)
{
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no memory to read to or to write from");
}

int weft_file_read(weft_file *file, void *buffer, size_t size, size_t *out_n)
{
    int code = begin_at_position(file, "weft_file_read");

    if (code < 0) {
        return code;
    }
    if (out_n == NULL || (buffer == NULL && size > 0)) {
        return refuse_place();
    }
    file->is_positioning = true;
    code = read_at(file, buffer, size, file->has_position ? file->position : -1, out_n);
    file->is_positioning = false;
    if (code == 0 && file->has_position) {
        file->position += (int64_t)*out_n;
    }
    maybe_free(file);
    return code;
}

int weft_file_pread(weft_file *file, void *buffer, size_t size, int64_t offset, size_t *out_n)
{
    int code = begin(file, "weft_file_pread");

    if (code < 0) {
        return code;
    }
    if (out_n == NULL || (buffer == NULL && size > 0)) {
        return refuse_place();
    }
    if (offset < 0) {
        return weft_fail(WEFT_EINVAL, "a negative offset");
    }
    code = read_at(file, buffer, size, offset, out_n);
    maybe_free(file);
    return code;
}

int weft_file_write(weft_file *file, const void *data, size_t size, size_t *out_n)
{
    int code = begin_at_position(file, "weft_file_write");

    if (code < 0) {
        return code;
    }
    if (data == NULL && size > 0) {
        return refuse_place();
    }
    file->is_positioning = true;
    code = write_at(file, data, size, file->has_position ? file->position : -1, out_n);
    file->is_positioning = false;
    maybe_free(file);
    return code;
}

int weft_file_pwrite(weft_file *file, const void *data, size_t size, int64_t offset, size_t *out_n)
{
    int code = begin(file, "weft_file_pwrite");

    if (code < 0) {
        return code;
    }
    if (data == NULL && size > 0) {
        return refuse_place();
    }
    if (offset < 0) {
        return weft_fail(WEFT_EINVAL, "a negative offset");
    }
    code = write_at(file, data, size, offset, out_n);
    maybe_free(file);
    return code;
}

int weft_file_seek(weft_file *file, int64_t position)
{
    int code = check(file);

    if (code < 0) {
        return code;
    }
    if (position < 0) {
        return weft_fail(WEFT_EINVAL, "a negative position");
    }
    if (file->descriptor == NULL) {
        return WEFT_ECLOSED;
    }
    if (file->is_positioning) {
        return weft_fail(WEFT_ERUNTIME, "weft_file_seek while a task uses the position");
    }
    if (!file->has_position) {
        return -ESPIPE;
    }
    file->position = position;
    return 0;
}

int64_t weft_file_tell(const weft_file *file)
{
    int code = check(file);

    if (code < 0) {
        return code;
    }
    return file->descriptor == NULL ? WEFT_ECLOSED : file->has_position ? file->position : -ESPIPE;
}

static int run_fsync(struct wf_file_job *job)
{
    return fsync(job->descriptor->fd) < 0 ? -errno : 0;
}

int weft_file_fsync(weft_file *file)
{
    int code = begin(file, "weft_file_fsync");

    return code < 0 ? code : run_plain(file, wf_file_job_create(run_fsync, NULL, NULL, 0));
}

static int run_fdatasync(struct wf_file_job *job)
{
    return fdatasync(job->descriptor->fd) < 0 ? -errno : 0;
}

int weft_file_fdatasync(weft_file *file)
{
    int code = begin(file, "weft_file_fdatasync");

    return code < 0 ? code : run_plain(file, wf_file_job_create(run_fdatasync, NULL, NULL, 0));
}

static int run_truncate(struct wf_file_job *job)
{
    return ftruncate(job->descriptor->fd, job->offset) < 0 ? -errno : 0;
}

int weft_file_truncate(weft_file *file, int64_t size)
{
    int code = begin(file, "weft_file_truncate");

    if (code < 0) {
        return code;
    }
    if (size < 0) {
        return weft_fail(WEFT_EINVAL, "a negative size");
    }
    struct wf_file_job *job = wf_file_job_create(run_truncate, NULL, NULL, 0);
    if (job != NULL) {
        job->offset = size;
    }
    return run_plain(file, job);
}

static int run_stat(struct wf_file_job *job)
{
    return fstat(job->descriptor->fd, &job->status) < 0 ? -errno : 0;
}

int weft_file_stat(weft_file *file, struct stat *out_stat)
{
    struct wf_file_job *job;
    int code = begin(file, "weft_file_stat");

    if (code < 0) {
        return code;
    }
    if (out_stat == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the status");
    }
    code = run(file, wf_file_job_create(run_stat, NULL, NULL, 0), &job);
    if (code == 0) {
        *out_stat = job->status;
        wf_file_job_destroy(job);
    }
    maybe_free(file);
    return code;
}

int weft_file_get_fd(const weft_file *file)
{
    return check(file) < 0 || file->descriptor == NULL ? -1 : file->descriptor->fd;
}

/* ---- the end ------------------------------------------------------------ */

int weft_file_close(weft_file *file)
{
    int code = begin(file, "weft_file_close");

    if (code < 0) {
        return code == WEFT_ECLOSED ? 0 : code;
    }
    struct wf_file_job *job = file->closer;
    file->closer = NULL;
    job->descriptor = file->descriptor; /* our share goes with it, whatever comes */
    file->descriptor = NULL;
    file->n_busy++;
    code = wf_file_run(file->origin, file->io, job, &job);
    file->n_busy--;
    if (code == 0) {
        wf_file_job_destroy(job);
    }
    maybe_free(file);
    return code;
}

void weft_file_destroy(weft_file *file)
{
    if (file == NULL || check(file) < 0) {
        return;
    }
    if (file->is_released) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE, "the file was destroyed before");
        return;
    }
    if (file->descriptor != NULL) {
        close_here(file);
    }
    file->is_released = true;
    maybe_free(file);
}
