/*
 * Watching files and folders: one inotify(7) instance per object.
 *
 * Events are read when a task asks for the next one and none is left. They stay in the
 * buffer until they are handed out, so a cancelled wait loses nothing. A rename is two
 * events of the kernel with one cookie, one right after the other; when the first
 * is the last one read, the kernel is asked once more before it is taken for a deletion.
 *
 * Not libuv's uv_fs_event: it tells created, deleted and moved by one word, and an
 * overflow not at all (docs/adr/0017).
 *
 * Thread: the loop's; run_add on a thread of the executor for files, since it walks a path.
 */

#include "io/file.h"

#include "base/alloc.h"
#include "base/log.h"
#include "task/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WATCH_MAGIC 0x77664677u

enum {
    BUFFER_SIZE = 16384,
    DESCRIPTION_SIZE = 128,
    DEFAULT_KINDS = WEFT_FILE_CREATED | WEFT_FILE_MODIFIED | WEFT_FILE_DELETED | WEFT_FILE_MOVED,
    ALL_KINDS = 255
};

struct weft_file_watch {
    uint32_t magic;
    uint16_t n_busy;  /* tasks inside a call */
    bool is_released; /* the owner is done with it */
    bool is_asking;   /* a task is inside weft_file_watch_next */
    bool is_readable; /* the last edge is not used up */
    weft_loop *loop;  /* held */
    struct wf_io *io; /* borrowed: NULL once the loop is closed */
    struct wf_watch watch;
    struct wf_descriptor *descriptor; /* ref; NULL once it is closed */
    struct wf_wait *waiter;           /* borrowed: of the task that asks, or NULL */
    size_t start;                     /* of what is not handed out yet */
    size_t end;
    const weft_origin *origin; /* static */
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_io_member member;
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
};

/* ---- kinds -------------------------------------------------------------- */

/* What the kernel calls what we call a kind. */
static const struct {
    enum weft_file_event_kind kind;
    const char *name;
    uint32_t mask;
} kinds[] = {
    { WEFT_FILE_CREATED, "created", IN_CREATE | IN_MOVED_TO },
    { WEFT_FILE_MODIFIED, "modified", IN_MODIFY },
    { WEFT_FILE_DELETED, "deleted", IN_DELETE | IN_DELETE_SELF | IN_MOVED_FROM },
    { WEFT_FILE_MOVED, "moved", IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF },
    { WEFT_FILE_WRITTEN, "written", IN_CLOSE_WRITE },
    { WEFT_FILE_CHANGED, "changed", IN_ATTRIB },
    { WEFT_FILE_OVERFLOW, "overflow", 0 }, /* these two come always */
    { WEFT_FILE_GONE, "gone", 0 },
};

const char *weft_file_event_kind_name(enum weft_file_event_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    return "unknown";
}

static uint32_t mask_of(int wanted)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (wanted & (int)kinds[i].kind) {
            mask |= kinds[i].mask;
        }
    }
    return mask;
}

/* What an event of the kernel is, by itself; 0: nothing to tell. */
static int kind_of(uint32_t mask)
{
    if (mask & IN_Q_OVERFLOW) {
        return WEFT_FILE_OVERFLOW;
    }
    if (mask & IN_IGNORED) {
        return WEFT_FILE_GONE;
    }
    if (mask & IN_MOVE_SELF) {
        return WEFT_FILE_MOVED;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (mask & kinds[i].mask) {
            return (int)kinds[i].kind;
        }
    }
    return 0; /* IN_UNMOUNT: IN_IGNORED follows */
}

/* ---- life --------------------------------------------------------------- */

static int check(const weft_file_watch *watch)
{
    if (watch == NULL || watch->magic != WATCH_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a file watch");
    }
    return wf_loop_check(watch->loop);
}

static int begin(weft_file_watch *watch, const char *what)
{
    struct wf_task *task;
    int code = check(watch);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (watch->loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a watch of another loop", what);
    }
    return watch->descriptor == NULL ? WEFT_ECLOSED : 0;
}

static void maybe_free(weft_file_watch *watch)
{
    weft_loop *loop = watch->loop;

    if (!watch->is_released || watch->n_busy > 0) {
        return;
    }
    wf_list_remove(&watch->member.link);
    wf_creation_free(watch->creation);
    watch->magic = 0;
    wf_free(watch);
    wf_loop_let_go(loop);
}

static void close_watch(weft_file_watch *watch)
{
    if (watch->descriptor != NULL) {
        wf_watch_remove(&watch->loop->poller, &watch->watch);
        (void)wf_descriptor_unref(watch->descriptor); /* nothing is written to it */
        watch->descriptor = NULL;
    }
}

static void report_unclosed(const weft_file_watch *watch)
{
    char description[DESCRIPTION_SIZE];

    (void)snprintf(description, sizeof description, "file watch fd=%d", watch->descriptor->fd);
    wf_io_report_unclosed(watch->loop, "transport", description, watch->created_at, watch->origin,
                          watch->creation);
}

static void close_with_loop(struct wf_io_member *member)
{
    weft_file_watch *watch = WF_CONTAINER_OF(member, weft_file_watch, member);

    if (watch->descriptor != NULL) {
        report_unclosed(watch);
    }
    if (watch->waiter != NULL) {
        wf_wait_disown(watch->waiter);
        watch->waiter = NULL;
    }
    close_watch(watch);
    wf_list_remove(&watch->member.link);
    watch->io = NULL;
    watch->n_busy = 0; /* nobody comes back */
    maybe_free(watch);
}

/* Runs in the append phase. */
static void on_ready(struct wf_watch *watched, uint32_t events)
{
    weft_file_watch *watch = WF_CONTAINER_OF(watched, weft_file_watch, watch);
    struct wf_wait *waiter = watch->waiter;

    (void)events;
    watch->is_readable = true;
    if (waiter != NULL) {
        watch->waiter = NULL;
        wf_wait_wake(waiter, 0);
    }
}

static int open_instance(struct wf_io *io, weft_file_watch *watch)
{
    int fd = wf_alloc_may_fail_now() ? -EMFILE : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd < 0) {
        return fd == -1 ? -errno : fd;
    }
    watch->descriptor = wf_descriptor_create(fd);
    if (watch->descriptor == NULL) {
        (void)close(fd); /* nothing was written to it */
        return WEFT_ENOMEM;
    }
    int code = wf_watch_add(&io->loop->poller, &watch->watch, fd, on_ready);
    if (code < 0) {
        (void)wf_descriptor_unref(watch->descriptor); /* nothing is written to it */
    }
    return code;
}

int weft_file_watch_create_at(const weft_origin *origin, weft_file_watch **out_watch)
{
    weft_loop *loop = NULL;
    struct wf_io *io = NULL;
    int code = wf_loop_resolve(&loop);

    if (code < 0) {
        return code;
    }
    if (out_watch == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the watch");
    }
    code = wf_io_get(loop, &io);
    if (code < 0) {
        return code;
    }
    weft_file_watch *watch = wf_new(weft_file_watch);
    if (watch == NULL) {
        return WEFT_ENOMEM;
    }
    watch->watch.fd = -1;
    code = open_instance(io, watch);
    if (code < 0) {
        wf_free(watch);
        return code;
    }
    watch->magic = WATCH_MAGIC;
    watch->loop = loop;
    watch->io = io;
    watch->origin = origin;
    watch->created_at = wf_loop_now(loop);
    watch->creation = wf_loop_capture_creation(loop);
    watch->member.close = close_with_loop;
    wf_list_append(&io->members, &watch->member.link);
    wf_loop_hold(loop);
    *out_watch = watch;
    return 0;
}

void weft_file_watch_destroy(weft_file_watch *watch)
{
    if (watch == NULL || check(watch) < 0) {
        return;
    }
    if (watch->is_released) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE, "the watch was destroyed before");
        return;
    }
    close_watch(watch);
    watch->is_released = true;
    if (watch->waiter != NULL) {
        struct wf_wait *waiter = watch->waiter;
        watch->waiter = NULL;
        wf_wait_wake(waiter, WEFT_ECLOSED);
    }
    maybe_free(watch);
}

/* ---- paths -------------------------------------------------------------- */

static int run_add(struct wf_file_job *job)
{
    job->result = inotify_add_watch(job->descriptor->fd, job->path, (uint32_t)job->flags);
    return job->result < 0 ? wf_file_fail(errno, job->path) : 0;
}

int weft_file_watch_add(weft_file_watch *watch, const char *path, int wanted, int *out_id)
{
    int code = begin(watch, "weft_file_watch_add");

    if (code < 0) {
        return code;
    }
    if (path == NULL || (wanted & ~ALL_KINDS) != 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a path and kinds of events");
    }
    struct wf_file_job *job = wf_file_job_create(run_add, path, NULL, 0);
    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    job->flags = (int)mask_of(wanted != 0 ? wanted : DEFAULT_KINDS);
    if (job->flags == 0) {
        job->flags = IN_DELETE_SELF; /* the kernel wants something; it comes with GONE */
    }
    job->descriptor = wf_descriptor_ref(watch->descriptor);
    watch->n_busy++;
    code = wf_file_run(watch->origin, watch->io, job, &job);
    watch->n_busy--;
    if (code == 0) {
        if (out_id != NULL) {
            *out_id = (int)job->result;
        }
        wf_file_job_destroy(job);
    }
    maybe_free(watch);
    return code;
}

int weft_file_watch_remove(weft_file_watch *watch, int id)
{
    int code = check(watch);

    if (code < 0) {
        return code;
    }
    if (watch->descriptor == NULL) {
        return WEFT_ECLOSED;
    }
    if (inotify_rm_watch(watch->descriptor->fd, id) < 0) {
        return weft_fail(WEFT_EINVAL, "the watch has no path with id %d", id);
    }
    return 0;
}

/* ---- events ------------------------------------------------------------- */

/* The first event that was read and not handed out, or NULL. */
static const struct inotify_event *first(const weft_file_watch *watch)
{
    return watch->start == watch->end
               ? NULL
               : (const struct inotify_event *)(const void *)(watch->buffer + watch->start);
}

static const struct inotify_event *after(const weft_file_watch *watch,
                                         const struct inotify_event *event)
{
    size_t next = (size_t)((const char *)event - watch->buffer) + sizeof *event + event->len;

    return next == watch->end ? NULL
                              : (const struct inotify_event *)(const void *)(watch->buffer + next);
}

/* Read what there is behind what is left: 0 (perhaps nothing came), or a code. */
static int read_more(weft_file_watch *watch)
{
    memmove(watch->buffer, watch->buffer + watch->start, watch->end - watch->start);
    watch->end -= watch->start;
    watch->start = 0;
    ssize_t n = read(watch->descriptor->fd, watch->buffer + watch->end, BUFFER_SIZE - watch->end);
    if (n > 0) {
        watch->end += (size_t)n;
        return 0;
    }
    if (n < 0 && errno == EAGAIN) {
        watch->is_readable = false;
        return 0;
    }
    return n < 0 && errno != EINTR && errno != EINVAL ? -errno : 0;
}

/* The other half of a rename that <event> begins, or NULL. */
static const struct inotify_event *find_other_half(weft_file_watch *watch)
{
    const struct inotify_event *event = first(watch);
    const struct inotify_event *next = after(watch, event);

    if (next == NULL) {
        (void)read_more(watch); /* an error is told when it is asked for again */
        event = first(watch);
        next = after(watch, event);
    }
    return next != NULL && (next->mask & IN_MOVED_TO) && next->cookie == event->cookie &&
                   next->wd == event->wd
               ? next
               : NULL;
}

static const char *name_of(const struct inotify_event *event)
{
    return event->len > 0 ? event->name : "";
}

/* Hand out the first event, if it is one to tell. */
static bool take_event(weft_file_watch *watch, weft_file_event *out_event)
{
    bool is_half = (first(watch)->mask & IN_MOVED_FROM) != 0;
    const struct inotify_event *other = is_half ? find_other_half(watch) : NULL;
    const struct inotify_event *event = first(watch); /* it may have moved in the buffer */
    const struct inotify_event *last = other != NULL ? other : event;
    int kind = other != NULL ? WEFT_FILE_MOVED : kind_of(event->mask);

    watch->start = (size_t)((const char *)last - watch->buffer) + sizeof *last + last->len;
    if (kind == 0) {
        return false;
    }
    *out_event = (weft_file_event){ .kind = (enum weft_file_event_kind)kind,
                                    .name = name_of(last),
                                    .old_name = other != NULL ? name_of(event) : "",
                                    .is_folder = (event->mask & IN_ISDIR) != 0,
                                    .id = event->wd };
    return true;
}

struct event_wait {
    struct wf_wait wait;
    weft_file_watch *watch;
};

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    WF_CONTAINER_OF(wait, struct event_wait, wait)->watch->waiter = NULL;
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

/* Until there may be something to read. */
static int wait_for_events(weft_file_watch *watch)
{
    struct event_wait own = { WF_WAIT_INIT(cancel_wait, "file watch"), watch };

    if (watch->is_readable) {
        return wf_task_spend();
    }
    watch->waiter = &own.wait;
    return wf_task_wait(&own.wait);
}

static int next_event(weft_file_watch *watch, weft_file_event *out_event)
{
    for (;;) {
        while (first(watch) != NULL) {
            if (take_event(watch, out_event)) {
                return 0;
            }
        }
        int code = wait_for_events(watch);
        if (code < 0 || watch->descriptor == NULL) {
            return code < 0 ? code : WEFT_ECLOSED;
        }
        code = read_more(watch);
        if (code < 0) {
            return code;
        }
    }
}

int weft_file_watch_next(weft_file_watch *watch, weft_file_event *out_event)
{
    int code = begin(watch, "weft_file_watch_next");

    if (code < 0) {
        return code;
    }
    if (out_event == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the event");
    }
    if (watch->is_asking) {
        return weft_fail(WEFT_ERUNTIME, "another task waits for events already");
    }
    watch->is_asking = true;
    watch->n_busy++;
    code = next_event(watch, out_event);
    watch->n_busy--;
    watch->is_asking = false;
    maybe_free(watch);
    return code;
}
