/*
 * The loop's life: made, owned by a thread, handed to another, closed, freed.
 *
 *     made --run--> running --stop--> made ... --close--> closed --last unref--> gone
 *
 * Ownership is a number of the thread's: the check with which every loop-bound
 * call begins is one comparison. A forked child begins without a number, since it
 * shares the parent's epoll set and would take its events away; a count of the
 * forks behind this process tells that refusal from the others.
 *
 * Closing is where everything that is queued is let go of, in this order: posts
 * are delivered and the mailbox refuses further ones; the slots of the floors
 * above are closed, the highest first; queued work and timers are dropped unrun;
 * libuv's handles finish closing; descriptors go. After that only memory is left,
 * which the last reference frees.
 *
 * Thread: the loop's, but for ref, unref and the plain getters.
 */

#include "loop/loop.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"
#include "thread/registry.h"
#include "thread/role.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_STACK_SIZE = 64 * 1024,
    NAME_SIZE = 32
};

#define DEAD_MAGIC 0x77664c64u

__thread weft_loop *wf_loop_running __attribute__((tls_model("initial-exec")));

struct wf_list wf_loops = WF_REGISTRY_INIT(wf_loops);

static uint32_t n_loops_made; /* atomic, relaxed: numbers for names */

/* ---- owner and checks --------------------------------------------------- */

static void take_ownership(weft_loop *loop)
{
    __atomic_store_n(&loop->owner_tid, gettid(), __ATOMIC_RELAXED);
    __atomic_store_n(&loop->owner, wf_thread_get_stamp(), __ATOMIC_RELEASE);
}

/* The thread's name as the kernel knows it: the owner may be any thread of ours. */
static void name_thread(int tid, char *name, size_t size)
{
    char path[64];
    FILE *file;

    snprintf(name, size, "?");
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    if (fgets(name, (int)size, file) != NULL) {
        name[strcspn(name, "\n")] = '\0';
    }
    fclose(file);
}

static int refuse_thread(const weft_loop *loop)
{
    int tid = __atomic_load_n(&loop->owner_tid, __ATOMIC_RELAXED);
    char owner[NAME_SIZE];
    char caller[NAME_SIZE];

    name_thread(tid, owner, sizeof owner);
    name_thread(gettid(), caller, sizeof caller);
    return wf_misuse(WEFT_REPORT_WRONG_THREAD, WEFT_EWRONGTHREAD,
                     "Non-thread-safe operation invoked on an event loop other than the current "
                     "one: loop '%s' belongs to thread '%s' (%d), the caller is thread '%s' (%d)",
                     loop->name, owner, tid, caller, gettid());
}

int wf_loop_refuse(const weft_loop *loop)
{
    if (loop == NULL) {
        return weft_fail_at(NULL, WEFT_ENOLOOP, "no running event loop");
    }
    if (loop->magic != WF_LOOP_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "this is not an event loop");
    }
    if (loop->forks != wf_fork_generation) {
        return weft_fail_at(NULL, WEFT_EFORKED, "loop '%s' was made before the fork", loop->name);
    }
    return refuse_thread(loop);
}

WF_COLD int wf_loop_resolve_slowly(weft_loop **loop)
{
    if (*loop == NULL) {
        *loop = wf_loop_running;
    }
    if (!wf_loop_is_mine(*loop)) {
        return wf_loop_refuse(*loop);
    }
    return weft_fail_at(NULL, WEFT_ECLOSED, "Event loop is closed");
}

int weft_set_event_loop(weft_loop *loop)
{
    if (loop == NULL) {
        return 0;
    }
    if (loop->magic != WF_LOOP_MAGIC || loop->forks != wf_fork_generation) {
        return wf_loop_refuse(loop);
    }
    if (weft_loop_is_running(loop)) {
        return weft_fail_at(NULL, WEFT_EINVALIDSTATE, "loop '%s' is running", loop->name);
    }
    take_ownership(loop);
    return 0;
}

weft_loop *weft_get_running_loop(void)
{
    return wf_loop_running;
}

/* ---- making ------------------------------------------------------------- */

static int set_name(weft_loop *loop, const char *name)
{
    char numbered[NAME_SIZE];

    if (name == NULL) {
        snprintf(numbered, sizeof numbered, "loop-%u",
                 __atomic_add_fetch(&n_loops_made, 1, __ATOMIC_RELAXED));
        name = numbered;
    }
    loop->name = wf_strdup(name);
    return loop->name != NULL ? 0 : WEFT_ENOMEM;
}

static int open_poller(weft_loop *loop, bool is_virtual)
{
    int r = wf_mailbox_init(&loop->mailbox);

    if (r < 0) {
        return r;
    }
    r = wf_poller_init(&loop->poller, is_virtual, loop->mailbox.doorbell);
    if (r < 0) {
        (void)wf_mailbox_close(&loop->mailbox); /* nobody can have posted */
        wf_mailbox_fini(&loop->mailbox);
    }
    return r;
}

static void init_fields(weft_loop *loop)
{
    loop->magic = WF_LOOP_MAGIC;
    loop->n_refs = 1;
    loop->forks = wf_fork_generation;
    take_ownership(loop);
    wf_list_init(&loop->ready);
    wf_list_init(&loop->batch);
    wf_list_init(&loop->unread);
    wf_heap_init(&loop->timers);
    wf_loop_handles_init(loop);
    wf_list_init(&loop->watch.link);
    (void)weft_loop_set_debug(loop, wf_loop_debug_default()); /* ours, and a valid level */
    wf_loop_seed_from_environment(loop);
    loop->slow_callback_duration = WEFT_MS(100);
}

int weft_new_event_loop_at(const weft_origin *origin, const weft_loop_options *given,
                           weft_loop **out_loop)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    if (out_loop == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the new event loop");
    }
    int r = wf_options_read("loop options", given, &options, sizeof options);
    if (r < 0) {
        return r;
    }
    wf_watch_forks();

    weft_loop *loop = wf_new(weft_loop);
    if (loop == NULL) {
        return WEFT_ENOMEM;
    }
    init_fields(loop);
    loop->stack_size = options.stack_size != 0 ? options.stack_size : DEFAULT_STACK_SIZE;
    r = set_name(loop, options.name);
    if (r == 0) {
        r = open_poller(loop, options.virtual_clock != 0);
    }
    if (r < 0) {
        wf_free(loop->name);
        wf_free(loop);
        return r;
    }
    loop->origin = origin;
    loop->created_at = weft_clock_now();
    loop->creation = wf_loop_capture_creation(loop);
    wf_registry_add(&wf_loops, &loop->registry_link);
    wf_loop_watch_exit();
    *out_loop = loop;
    return 0;
}

/* ---- closing ------------------------------------------------------------ */

void wf_loop_know_work(weft_loop *loop, const struct wf_work_kind *kind)
{
    for (size_t i = 0; i < WF_LOOP_MAX_KINDS; i++) {
        if (loop->kinds[i] == kind) {
            return;
        }
        if (loop->kinds[i] == NULL) {
            loop->kinds[i] = kind;
            return;
        }
    }
    WF_ASSERT(!"more kinds of work than WF_LOOP_MAX_KINDS");
}

void wf_loop_drop_work(weft_loop *loop, struct wf_work *work)
{
    for (size_t i = 0; i < WF_LOOP_MAX_KINDS && loop->kinds[i] != NULL; i++) {
        if (loop->kinds[i]->run == work->run) {
            if (loop->kinds[i]->drop != NULL) {
                loop->kinds[i]->drop(work);
            }
            return;
        }
    }
}

static void deliver_last_posts(weft_loop *loop)
{
    struct wf_post *post = wf_mailbox_close(&loop->mailbox);

    while (post != NULL) {
        struct wf_post *next = post->next;
        post->deliver(post);
        post = next;
    }
}

static void close_slots(weft_loop *loop)
{
    for (int i = WF_LOOP_N_SLOTS - 1; i >= 0; i--) {
        struct wf_loop_slot *slot = &loop->slots[i];
        if (slot->ops != NULL && slot->ops->close != NULL) {
            slot->ops->close(loop, slot->data);
        }
    }
}

static void drop_queue(weft_loop *loop, struct wf_list *queue)
{
    struct wf_list *node;

    while ((node = wf_list_take_first(queue)) != NULL) {
        wf_loop_drop_work(loop, WF_CONTAINER_OF(node, struct wf_work, link));
    }
}

static void drop_timers(weft_loop *loop)
{
    const struct wf_heap_entry *first;

    while ((first = wf_heap_peek(&loop->timers)) != NULL) {
        struct wf_timer *timer = WF_CONTAINER_OF(first->node, struct wf_timer, node);
        wf_heap_remove(&loop->timers, &timer->node);
        wf_loop_drop_work(loop, &timer->work);
    }
    wf_heap_fini(&loop->timers);
}

/* What is let go of may queue or start more; nothing of it runs. */
void wf_loop_drop_everything(weft_loop *loop)
{
    do {
        drop_queue(loop, &loop->batch);
        drop_queue(loop, &loop->ready);
        drop_timers(loop);
    } while (!wf_list_is_empty(&loop->ready) || wf_heap_peek(&loop->timers) != NULL);
}

int weft_loop_close(weft_loop *loop)
{
    int r = wf_loop_check(loop);

    if (r < 0) {
        return r;
    }
    if (loop->is_running) {
        return weft_fail_at(NULL, WEFT_ERUNTIME, "Cannot close a running event loop");
    }
    if (loop->is_closed) {
        return 0;
    }
    (void)weft_loop_ref(loop); /* what is dropped may hold the last reference */
    wf_loop_watcher.end(loop);
    wf_loop_unpark(loop);
    deliver_last_posts(loop);
    __atomic_store_n(&loop->is_closed, true, __ATOMIC_RELEASE);
    close_slots(loop);
    wf_loop_drop_everything(loop);
    wf_poller_close_uv(&loop->poller);
    wf_loop_drop_everything(loop);
    wf_loop_fds_destroy(loop);
    wf_poller_fini(&loop->poller);
    wf_mailbox_fini(&loop->mailbox);
    wf_loop_handles_fini(loop);
    wf_loop_begin_afterlife(loop);
    wf_frame_fini(&loop->frame);
    (void)weft_loop_unref(loop); /* always NULL */
    return 0;
}

/* ---- references --------------------------------------------------------- */

weft_loop *weft_loop_ref(weft_loop *loop)
{
    if (loop == NULL) {
        return NULL;
    }
    if (loop->magic != WF_LOOP_MAGIC) {
        (void)wf_loop_refuse(loop); /* reported; there is nothing to share */
        return loop;
    }
    __atomic_fetch_add(&loop->n_refs, 1, __ATOMIC_RELAXED);
    return loop;
}

static const char *level_name(enum weft_debug_level level)
{
    return level == WEFT_DEBUG_FULL ? "full" : level == WEFT_DEBUG_CHEAP ? "cheap" : "off";
}

void wf_loop_describe(const weft_loop *loop, char *buffer, size_t size)
{
    snprintf(buffer, size, "<EventLoop '%.64s' running=%d debug=%s, %.3f s old>", loop->name,
             weft_loop_is_running(loop),
             level_name(__atomic_load_n(&loop->debug, __ATOMIC_RELAXED)),
             (double)(weft_clock_now() - loop->created_at) / 1e9);
}

static void report_unclosed(weft_loop *loop)
{
    weft_report report = WEFT_REPORT_INIT;
    char message[128];
    char object[192];
    char creation[WF_CREATION_TEXT_SIZE];

    snprintf(message, sizeof message, "unclosed event loop '%.64s'", loop->name);
    wf_loop_describe(loop, object, sizeof object);
    report.kind = WEFT_REPORT_UNCLOSED_LOOP;
    report.message = message;
    report.subject = loop->name;
    report.object = object;
    report.origin = loop->origin;
    report.source = loop;
    report.source_traceback = wf_creation_describe(loop->creation, "Object", creation);
    wf_report(&report);
}

/* Nobody else can reach the loop any more: whoever is last may close it. */
static void close_forgotten(weft_loop *loop)
{
    take_ownership(loop);
    report_unclosed(loop);
    loop->n_refs = 1;            /* so that closing may take and give back references */
    (void)weft_loop_close(loop); /* it is ours, not running and not closed */
}

static void free_loop(weft_loop *loop)
{
    wf_registry_remove(&loop->registry_link);
    for (int i = WF_LOOP_N_SLOTS - 1; i >= 0; i--) {
        struct wf_loop_slot *slot = &loop->slots[i];
        if (slot->ops != NULL && slot->ops->destroy != NULL) {
            slot->ops->destroy(slot->data);
        }
    }
    wf_creation_free(loop->creation);
    loop->magic = DEAD_MAGIC;
    wf_free(loop->name);
    wf_free(loop);
}

/*
 * The last reference but that of its futures goes from a loop that is closed: now nobody will ask
 * any more for the errors that are unread, be it that the handles are lost.
 */
static void report_unread(weft_loop *loop)
{
    if (__atomic_load_n(&loop->n_refs, __ATOMIC_RELAXED) == 2 && wf_loop_is_over(loop) &&
        loop->report_unread != NULL) {
        loop->report_unread(loop);
    }
}

weft_loop *weft_loop_unref(weft_loop *loop)
{
    if (loop == NULL || loop->magic != WF_LOOP_MAGIC) {
        return NULL;
    }
    report_unread(loop);
    if (__atomic_fetch_sub(&loop->n_refs, 1, __ATOMIC_ACQ_REL) > 1) {
        return NULL;
    }
    if (loop->forks != wf_fork_generation) {
        return NULL; /* its descriptors are the parent's: a child leaves it alone */
    }
    if (!loop->is_closed) {
        close_forgotten(loop);
    }
    free_loop(loop);
    return NULL;
}

/* ---- getters ------------------------------------------------------------ */

int weft_loop_is_closed(const weft_loop *loop)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    return loop == NULL || loop->magic != WF_LOOP_MAGIC ||
           __atomic_load_n(&loop->is_closed, __ATOMIC_ACQUIRE);
}

int weft_loop_is_running(const weft_loop *loop)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    return loop != NULL && loop->magic == WF_LOOP_MAGIC &&
           __atomic_load_n(&loop->is_running, __ATOMIC_ACQUIRE);
}

const char *weft_loop_get_name(const weft_loop *loop)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    return loop != NULL && loop->magic == WF_LOOP_MAGIC ? loop->name : "?";
}
