#ifndef WF_IO_FILE_H
#define WF_IO_FILE_H

/*
 * Calls that block on a file system, on threads of their own.
 *
 * A job owns all that it touches: its paths, its buffer, a share of the
 * descriptor, and what it makes (a descriptor, a listing) until the task takes that. So a
 * task that is cancelled leaves at once, and whoever ends the job last, the
 * thread, the loop or the task, frees it with everything in it.
 *
 * Thread: the loop's; run is called on a thread of the executor.
 */

#include "io/io.h"
#include "weft/file.h"

#include <stdint.h>

/* A descriptor that is closed by whoever lets it go last. */
struct wf_descriptor {
    uint32_t n_refs; /* atomic: jobs let go on their threads */
    int fd;
};

struct wf_descriptor *wf_descriptor_create(int fd);
struct wf_descriptor *wf_descriptor_ref(struct wf_descriptor *descriptor);
/* 0, or what close said. */
int wf_descriptor_unref(struct wf_descriptor *descriptor);

struct wf_file_job {
    /* On a thread: 0 or a code. */
    int (*run)(struct wf_file_job *job);
    /* Frees <made> when nobody took it; may be NULL. */
    void (*drop)(void *made);
    struct wf_descriptor *descriptor; /* ref, or NULL */
    void *made;                       /* owned */
    const char *path;                 /* in <data> */
    const char *other;                /* the same */
    char *buffer;                     /* the same */
    size_t size;
    int64_t offset; /* -1: where the kernel stands */
    int64_t result;
    int error; /* what stopped it in the middle */
    int flags;
    mode_t mode;
    struct stat status;
    char data[];
};

/* With room for two paths (NULL: none) and <size> bytes. NULL without memory. */
struct wf_file_job *wf_file_job_create(int (*run)(struct wf_file_job *job), const char *path,
                                       const char *other, size_t size);
void wf_file_job_destroy(struct wf_file_job *job);

/*
 * Run the job (NULL: no memory) and wait for it. On success the job, with its results, is the
 * caller's again; on failure it is gone or on its way. Consumes <job>.
 */
int wf_file_run(const weft_origin *origin, struct wf_io *io, struct wf_file_job *job,
                struct wf_file_job **out_job);

/* The checks of a call for which there is no object: *out_io. */
int wf_file_begin(const char *what, struct wf_io **out_io);

/* On a thread: "[Errno 2] No such file or directory: 'x'", and the code. */
int wf_file_fail(int error, const char *path);

#endif
