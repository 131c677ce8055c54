/*
 * Descriptors of the user's own: add_reader, add_writer.
 *
 * One record per descriptor, found by its number, registered level-triggered: a
 * callback runs in each turn that finds its direction ready, as often as that is.
 * An error or a hang-up is both readable and writable, as in asyncio.
 *
 * Ready directions are work in the record; removing or replacing a callback takes
 * its work back, so that it does not run even in the turn that found it ready.
 * A record lives as long as one of its directions has a callback or waits.
 *
 * Floors above wait for a direction with a struct wf_fd_wait: those stand in line,
 * and each turn that finds the direction ready wakes the first. A callback and
 * waits exclude each other: the first wait replaces a callback, as asyncio's
 * sock_ methods do.
 *
 * Descriptors of transports are registered with the poller by themselves and
 * have no record here; the kernel tells (-EEXIST), and the call is refused.
 *
 * Thread: the loop's.
 */

#include "loop/loop.h"

#include "base/alloc.h"
#include "base/context.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

struct direction {
    struct wf_work work;
    struct wf_list waits; /* of struct wf_fd_wait.link: not with a callback */
    weft_loop *loop;      /* borrowed: owns the table */
    weft_callback_fn *fn; /* NULL: nobody */
    void *data;
    const weft_origin *origin; /* static, or NULL */
    struct wf_vars *vars;      /* ref: what the callback is to see */
};

struct watched_fd {
    struct wf_watch watch;
    int fd;
    struct direction reader;
    struct direction writer;
};

struct wf_fd_table {
    size_t n_slots;
    struct watched_fd *by_fd[]; /* owned */
};

enum {
    FIRST_SLOTS = 64
};

/* ---- ready -------------------------------------------------------------- */

static void run_direction(struct wf_work *work)
{
    struct direction *direction = WF_CONTAINER_OF(work, struct direction, work);

    if (!wf_list_is_empty(&direction->waits)) {
        /* The wait ends itself, and the record perhaps. */
        struct wf_fd_wait *wait = WF_CONTAINER_OF(direction->waits.next, struct wf_fd_wait, link);
        wait->on_ready(wait);
        return;
    }
    /* The callback may remove itself, and the record with it. */
    wf_loop_run_callback_in(direction->loop, direction->origin, direction->fn, direction->data,
                            wf_vars_ref(direction->vars));
}

static void describe_direction(const struct wf_work *work, struct wf_work_info *info)
{
    const struct direction *direction = WF_CONTAINER_OF(work, struct direction, work);

    wf_work_info_set(info, "Handle", direction->origin);
}

/* Nothing to drop: the table owns the records. */
static const struct wf_work_kind direction_kind = {
    run_direction, NULL, describe_direction, "Handle",
    WF_WORK_ORIGIN_AT(struct direction, work, origin)
};

static bool is_wanted(const struct direction *direction)
{
    return direction->fn != NULL || !wf_list_is_empty(&direction->waits);
}

static void queue_direction(struct direction *direction)
{
    if (is_wanted(direction) && !wf_work_is_queued(&direction->work)) {
        wf_loop_run_soon(direction->loop, &direction->work);
    }
}

static void on_ready(struct wf_watch *watch, uint32_t events)
{
    struct watched_fd *watched = WF_CONTAINER_OF(watch, struct watched_fd, watch);

    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        queue_direction(&watched->reader);
    }
    if ((events & ~(uint32_t)EPOLLIN) != 0) {
        queue_direction(&watched->writer);
    }
}

/* ---- the table ---------------------------------------------------------- */

static int reserve(weft_loop *loop, int fd)
{
    size_t n_old = loop->fds != NULL ? loop->fds->n_slots : 0;
    size_t n_slots = n_old > 0 ? n_old : FIRST_SLOTS;

    if ((size_t)fd < n_old) {
        return 0;
    }
    while ((size_t)fd >= n_slots) {
        n_slots *= 2;
    }
    struct wf_fd_table *table =
        wf_realloc(loop->fds, sizeof *table + n_slots * sizeof table->by_fd[0]);
    if (table == NULL) {
        return WEFT_ENOMEM;
    }
    memset(&table->by_fd[n_old], 0, (n_slots - n_old) * sizeof table->by_fd[0]);
    table->n_slots = n_slots;
    loop->fds = table;
    return 0;
}

static struct watched_fd *find(const weft_loop *loop, int fd)
{
    if (fd < 0 || loop->fds == NULL || (size_t)fd >= loop->fds->n_slots) {
        return NULL;
    }
    return loop->fds->by_fd[fd];
}

static void init_direction(struct direction *direction, weft_loop *loop)
{
    *direction = (struct direction){ .loop = loop };
    wf_work_init(&direction->work, run_direction);
    wf_list_init(&direction->waits);
}

/* The record of <fd>, a new one if need be; not registered by this. */
static int get_or_make(weft_loop *loop, int fd, struct watched_fd **out_watched)
{
    int r = reserve(loop, fd);

    if (r < 0) {
        return r;
    }
    struct watched_fd *watched = loop->fds->by_fd[fd];
    if (watched == NULL) {
        watched = wf_new(struct watched_fd);
        if (watched == NULL) {
            return WEFT_ENOMEM;
        }
        watched->watch.fd = -1;
        watched->fd = fd;
        init_direction(&watched->reader, loop);
        init_direction(&watched->writer, loop);
        loop->fds->by_fd[fd] = watched;
    }
    *out_watched = watched;
    return 0;
}

static void destroy_watched(weft_loop *loop, struct watched_fd *watched)
{
    wf_watch_remove(&loop->poller, &watched->watch);
    wf_loop_take_back(&watched->reader.work);
    wf_loop_take_back(&watched->writer.work);
    loop->fds->by_fd[watched->fd] = NULL;
    struct wf_vars *reads_with = watched->reader.vars;
    struct wf_vars *writes_with = watched->writer.vars;
    wf_free(watched);
    wf_vars_drop(reads_with);
    wf_vars_drop(writes_with);
}

void wf_loop_fds_destroy(weft_loop *loop)
{
    if (loop->fds == NULL) {
        return;
    }
    for (size_t i = 0; i < loop->fds->n_slots; i++) {
        if (loop->fds->by_fd[i] != NULL) {
            destroy_watched(loop, loop->fds->by_fd[i]);
        }
    }
    wf_free(loop->fds);
    loop->fds = NULL;
}

/* ---- adding and removing ------------------------------------------------ */

static uint32_t wanted_events(const struct watched_fd *watched)
{
    return (is_wanted(&watched->reader) ? (uint32_t)EPOLLIN : 0) |
           (is_wanted(&watched->writer) ? (uint32_t)EPOLLOUT : 0);
}

/* Let the set know what is wanted; also when the descriptor was closed and came back. */
static int register_events(weft_loop *loop, struct watched_fd *watched, uint32_t events)
{
    if (watched->watch.fd >= 0) {
        int r = wf_watch_change(&loop->poller, &watched->watch, events);
        if (r != -ENOENT) {
            return r;
        }
        wf_watch_remove(&loop->poller, &watched->watch);
    }
    return wf_watch_add_events(&loop->poller, &watched->watch, watched->fd, events, on_ready);
}

static int refuse_transport(int fd)
{
    return weft_fail(WEFT_ERUNTIME, "File descriptor %d is used by a transport", fd);
}

static struct direction *direction_of(struct watched_fd *watched, uint32_t event)
{
    return event == EPOLLIN ? &watched->reader : &watched->writer;
}

/* The record of <fd>, registered for <event> too. */
static int begin(weft_loop *loop, int fd, uint32_t event, struct watched_fd **out_watched)
{
    if (fd < 0) {
        return weft_fail(WEFT_EINVAL, "Invalid file descriptor: %d", fd);
    }
    int r = get_or_make(loop, fd, out_watched);
    if (r < 0) {
        return r;
    }
    struct watched_fd *watched = *out_watched;
    r = register_events(loop, watched, wanted_events(watched) | event);
    if (r < 0 && wanted_events(watched) == 0) {
        destroy_watched(loop, watched);
    }
    return r == -EEXIST ? refuse_transport(fd) : r;
}

/* Somebody wants less of <watched>. */
static void narrow(weft_loop *loop, struct watched_fd *watched)
{
    if (wanted_events(watched) == 0) {
        destroy_watched(loop, watched);
    } else {
        /* Fails only for a descriptor that was closed too early. */
        (void)wf_watch_change(&loop->poller, &watched->watch, wanted_events(watched));
    }
}

static int add(weft_loop *loop, int fd, uint32_t event, const struct direction *wanted)
{
    struct watched_fd *watched = find(loop, fd);

    if (watched != NULL && !wf_list_is_empty(&direction_of(watched, event)->waits)) {
        return weft_fail(WEFT_ERUNTIME, "a task waits for file descriptor %d", fd);
    }
    int r = begin(loop, fd, event, &watched);
    if (r < 0) {
        return r;
    }
    struct direction *direction = direction_of(watched, event);
    wf_loop_take_back(&direction->work);
    direction->fn = wanted->fn;
    direction->data = wanted->data;
    direction->origin = wanted->origin;
    struct wf_vars *before = direction->vars;
    direction->vars = wf_vars_copy_current();
    wf_vars_drop(before);
    return 0;
}

static int check_and_add(const weft_origin *origin, weft_loop *loop, int fd, uint32_t event,
                         weft_callback_fn *fn, void *data)
{
    struct direction wanted = { .fn = fn, .data = data, .origin = origin };
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a callback is required");
    }
    wf_loop_know_work(loop, &direction_kind);
    return add(loop, fd, event, &wanted);
}

/* Whether something else has <fd> in the loop's set: ask the kernel, by trying to add it. */
static bool is_of_transport(weft_loop *loop, int fd)
{
    struct wf_watch probe = { .fd = -1 };
    int r = fd < 0 ? 0 : wf_watch_add_events(&loop->poller, &probe, fd, 0, on_ready);

    wf_watch_remove(&loop->poller, &probe);
    return r == -EEXIST;
}

static int check_and_remove(weft_loop *loop, int fd, uint32_t event)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r == WEFT_ECLOSED ? 0 : r;
    }
    struct watched_fd *watched = find(loop, fd);
    if (watched == NULL) {
        return is_of_transport(loop, fd) ? refuse_transport(fd) : 0;
    }
    struct direction *direction = direction_of(watched, event);
    if (direction->fn == NULL) {
        return 0;
    }
    wf_loop_take_back(&direction->work);
    direction->fn = NULL;
    narrow(loop, watched);
    return 1;
}

/* ---- waits -------------------------------------------------------------- */

int wf_loop_wait_for_fd(weft_loop *loop, int fd, uint32_t event, struct wf_fd_wait *wait)
{
    struct watched_fd *watched;
    int r = begin(loop, fd, event, &watched);

    if (r < 0) {
        return r;
    }
    struct direction *direction = direction_of(watched, event);
    if (direction->fn != NULL) {
        wf_loop_take_back(&direction->work);
        direction->fn = NULL;
    }
    wf_loop_know_work(loop, &direction_kind);
    wait->fd = fd;
    wait->event = event;
    wf_list_append(&direction->waits, &wait->link);
    return 0;
}

void wf_loop_end_fd_wait(weft_loop *loop, struct wf_fd_wait *wait)
{
    if (!wf_list_is_linked(&wait->link)) {
        return;
    }
    wf_list_remove(&wait->link);
    struct watched_fd *watched = find(loop, wait->fd);
    if (watched != NULL) {
        narrow(loop, watched);
    }
}

int weft_loop_add_reader_at(const weft_origin *origin, weft_loop *loop, int fd,
                            weft_callback_fn *fn, void *data)
{
    return check_and_add(origin, loop, fd, EPOLLIN, fn, data);
}

int weft_loop_add_writer_at(const weft_origin *origin, weft_loop *loop, int fd,
                            weft_callback_fn *fn, void *data)
{
    return check_and_add(origin, loop, fd, EPOLLOUT, fn, data);
}

int weft_loop_remove_reader(weft_loop *loop, int fd)
{
    return check_and_remove(loop, fd, EPOLLIN);
}

int weft_loop_remove_writer(weft_loop *loop, int fd)
{
    return check_and_remove(loop, fd, EPOLLOUT);
}
