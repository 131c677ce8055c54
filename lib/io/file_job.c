/*
 * Jobs of files: see file.h. One small executor per loop, made at the first call; when
 * its queue is full, tasks wait for room.
 *
 * Thread: the loop's; work runs on a thread of the executor.
 */

#include "io/file.h"

#include "base/alloc.h"
#include "base/log.h"
#include "task/task.h"
#include "weft/bridge.h"
#include "weft/executor.h"
#include "weft/result.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_THREADS = 4,
    QUEUE_LIMIT = 1024
};

/* ---- descriptors -------------------------------------------------------- */

struct wf_descriptor *wf_descriptor_create(int fd)
{
    struct wf_descriptor *descriptor = wf_new(struct wf_descriptor);

    if (descriptor != NULL) {
        descriptor->n_refs = 1;
        descriptor->fd = fd;
    }
    return descriptor;
}

struct wf_descriptor *wf_descriptor_ref(struct wf_descriptor *descriptor)
{
    (void)__atomic_add_fetch(&descriptor->n_refs, 1, __ATOMIC_RELAXED);
    return descriptor;
}

int wf_descriptor_unref(struct wf_descriptor *descriptor)
{
    int code = 0;

    if (descriptor == NULL || __atomic_sub_fetch(&descriptor->n_refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return 0;
    }
    if (close(descriptor->fd) < 0 && errno != EINTR) {
        code = -errno; /* it is closed all the same */
    }
    wf_free(descriptor);
    return code;
}

/* ---- jobs --------------------------------------------------------------- */

static char *put_text(char *place, const char *text, const char **out_copy)
{
    if (text == NULL) {
        return place;
    }
    size_t size = strlen(text) + 1;
    memcpy(place, text, size);
    *out_copy = place;
    return place + size;
}

struct wf_file_job *wf_file_job_create(int (*run)(struct wf_file_job *job), const char *path,
                                       const char *other, size_t size)
{
    size_t texts = (path != NULL ? strlen(path) + 1 : 0) + (other != NULL ? strlen(other) + 1 : 0);
    struct wf_file_job *job = size > SIZE_MAX / 2 ? NULL : wf_alloc(sizeof *job + texts + size + 1);

    if (job == NULL) {
        return NULL;
    }
    memset(job, 0, sizeof *job);
    job->run = run;
    job->size = size;
    job->offset = -1;
    job->buffer = put_text(put_text(job->data, path, &job->path), other, &job->other);
    return job;
}

void wf_file_job_destroy(struct wf_file_job *job)
{
    if (job == NULL) {
        return;
    }
    if (job->made != NULL && job->drop != NULL) {
        job->drop(job->made);
    }
    (void)wf_descriptor_unref(job->descriptor); /* nobody waits for what close says */
    wf_free(job);
}

static void destroy(void *data)
{
    wf_file_job_destroy(data);
}

/* On a thread of the executor. */
static int work(void *arg)
{
    struct wf_file_job *job = arg;
    int code = job->run(job);

    if (code < 0) {
        wf_file_job_destroy(job);
        return code;
    }
    return weft_return_ptr(job, destroy);
}

static int get_executor(struct wf_io *io, weft_executor **out_executor)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    if (io->files == NULL) {
        options.name = "files";
        options.max_threads = MAX_THREADS;
        options.queue_limit = QUEUE_LIMIT;
        options.when_full = WEFT_EXECUTOR_WAIT;
        int code = weft_executor_create_at(NULL, &options, &io->files);
        if (code < 0) {
            return code;
        }
    }
    *out_executor = io->files;
    return 0;
}

int wf_file_run(const weft_origin *origin, struct wf_io *io, struct wf_file_job *job,
                struct wf_file_job **out_job)
{
    weft_executor *executor;
    weft_future *future;
    weft_value value;

    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    int code = get_executor(io, &executor);
    if (code < 0) {
        wf_file_job_destroy(job);
        return code;
    }
    code = weft_loop_run_in_executor_at(origin, io->loop, executor, work, job, destroy, &future);
    if (code < 0) {
        return code;
    }
    code = weft_await_at(origin, future, &value);
    weft_future_unref(future);
    if (code == 0) {
        *out_job = value.as.ptr; /* its destructor is ours: the caller's now */
    }
    return code;
}

int wf_file_begin(const char *what, struct wf_io **out_io)
{
    struct wf_task *task;
    int code = wf_task_require(what, &task);

    return code < 0 ? code : wf_io_get(wf_loop_running, out_io);
}

int wf_file_fail(int error, const char *path)
{
    char text[128];

    return weft_fail(-error, "[Errno %d] %s: '%s'", error, strerror_r(error, text, sizeof text),
                     path);
}
