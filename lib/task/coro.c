/*
 * Coroutine objects: a function that was not yet called.
 *
 * Python reports one that nobody awaited when its last reference goes. C has no
 * such moment, so each object stands in a list of its maker until it is taken,
 * and the maker's end is the moment: the end of the task, the close of the loop,
 * the end of the process for objects made without a loop.
 *
 * Thread: an object belongs to the thread that made it until it is handed over.
 * The global list is guarded by a mutex; the lists of tasks and loops belong to
 * their threads.
 */

#include "task/coro.h"

#include "base/alloc.h"
#include "base/creation.h"
#include "base/log.h"
#include "future/future.h"
#include "task/state.h"
#include "task/task.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_CACHED = 8192
};

static pthread_mutex_t global_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct wf_list global_coros = { &global_coros, &global_coros }; /* guarded by global_mutex */
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* At the end of the process: what was made without a loop and never handed over. */
static void report_global(void)
{
    wf_coro_report_all(&global_coros);
}

static void register_exit(void)
{
    (void)atexit(report_global); /* without a slot the report is lost, nothing else */
}

static struct wf_task_state *running_state(void)
{
    return wf_loop_running != NULL ? wf_task_state_get(wf_loop_running) : NULL;
}

/* Where a new object stands; NULL: in the global list. */
static struct wf_list *makers_list(struct wf_task_state *state)
{
    if (wf_task_current != NULL) {
        return &wf_task_current->coros;
    }
    return state != NULL ? &state->coros : NULL;
}

/* ---- memory: a chain per loop, through link.next -------------------------- */

/* NULL: there is none, or a test wants none. */
static inline weft_coro *take_cached(struct wf_task_state *state)
{
    weft_coro *coro = state->cached_coros;

    if (coro == NULL || wf_alloc_may_fail_now()) {
        return NULL;
    }
    state->cached_coros = (weft_coro *)(void *)coro->link.next;
    state->n_cached_coros--;
    return coro;
}

static void give_back(weft_coro *coro)
{
    struct wf_task_state *state =
        wf_loop_running != NULL ? wf_loop_running->slots[WF_LOOP_SLOT_TASK].data : NULL;

    if (__builtin_expect(state == NULL || state->n_cached_coros >= MAX_CACHED, 0)) {
        wf_free(coro);
        return;
    }
    coro->link.next = (struct wf_list *)(void *)state->cached_coros;
    state->cached_coros = coro;
    state->n_cached_coros++;
}

void wf_coro_free_cached(struct wf_task_state *state, size_t keep)
{
    while (state->n_cached_coros > keep) {
        weft_coro *coro = state->cached_coros;
        state->cached_coros = (weft_coro *)(void *)coro->link.next;
        state->n_cached_coros--;
        wf_free(coro);
    }
}

/* ---- making and taking ---------------------------------------------------- */

static void add_globally(weft_coro *coro)
{
    coro->is_global = true;
    pthread_once(&exit_once, register_exit);
    pthread_mutex_lock(&global_mutex);
    wf_list_append(&global_coros, &coro->link);
    pthread_mutex_unlock(&global_mutex);
}

static void add_to_maker(weft_coro *coro, struct wf_task_state *state)
{
    struct wf_list *list = makers_list(state);

    if (list != NULL) {
        wf_list_append(list, &coro->link);
    } else {
        add_globally(coro);
    }
}

/* Without a loop it is the environment that says the level, as it was when it was first asked. */
static inline bool keeps_creations(const struct wf_task_state *state)
{
    static int without_loop = -1; /* atomic, relaxed: whoever writes it writes the same */

    if (state != NULL) {
        return state->loop->debug == WEFT_DEBUG_FULL;
    }
    int level = __atomic_load_n(&without_loop, __ATOMIC_RELAXED);
    if (level < 0) {
        level = (int)wf_loop_debug_default();
        __atomic_store_n(&without_loop, level, __ATOMIC_RELAXED);
    }
    return level == WEFT_DEBUG_FULL;
}

static inline weft_coro *fill(weft_coro *coro, const struct wf_task_state *state,
                              const weft_origin *origin, weft_coro_fn *fn, void *arg,
                              weft_destroy_fn *destroy)
{
    coro->magic = WF_CORO_MAGIC;
    coro->fn = fn;
    coro->arg = arg;
    coro->destroy = destroy;
    coro->origin = origin;
    coro->is_global = false;
    coro->is_marked = false;
    coro->creation = __builtin_expect(keeps_creations(state), 0) ? wf_creation_capture() : NULL;
    return coro;
}

/* Without a loop, or without one in the cache. */
__attribute__((noinline)) static weft_coro *
create_slowly(const weft_origin *origin, weft_coro_fn *fn, void *arg, weft_destroy_fn *destroy)
{
    weft_coro *coro = fn != NULL ? wf_alloc(sizeof *coro) : NULL;

    if (coro == NULL) {
        (void)weft_fail_at(origin, fn != NULL ? WEFT_ENOMEM : WEFT_EINVAL,
                           fn != NULL ? "no memory for a coroutine object"
                                      : "a coroutine object needs a function");
        if (destroy != NULL) {
            destroy(arg);
        }
        return NULL;
    }
    struct wf_task_state *state = running_state();
    add_to_maker(fill(coro, state, origin, fn, arg, destroy), state);
    return coro;
}

weft_coro *weft_coro_create_at(const weft_origin *origin, weft_coro_fn *fn, void *arg,
                               weft_destroy_fn *destroy)
{
    struct wf_task *task = wf_task_current;
    struct wf_task_state *state =
        task != NULL ? task->future.loop->slots[WF_LOOP_SLOT_TASK].data : NULL;
    weft_coro *coro = state != NULL && fn != NULL ? take_cached(state) : NULL;

    if (__builtin_expect(coro == NULL, 0)) {
        return create_slowly(origin, fn, arg, destroy);
    }
    wf_list_append(&task->coros, &fill(coro, state, origin, fn, arg, destroy)->link);
    return coro;
}

bool wf_coro_is(const weft_awaitable *awaitable)
{
    return awaitable != NULL && *(const uint32_t *)awaitable == WF_CORO_MAGIC;
}

void wf_coro_take(weft_coro *coro)
{
    if (!coro->is_global) {
        wf_list_remove(&coro->link);
        return;
    }
    pthread_mutex_lock(&global_mutex);
    wf_list_remove(&coro->link);
    pthread_mutex_unlock(&global_mutex);
}

void wf_coro_put_back(weft_coro *coro)
{
    coro->is_global = false;
    add_to_maker(coro, running_state());
}

void wf_coro_free(weft_coro *coro)
{
    if (__builtin_expect(coro->creation != NULL, 0)) {
        wf_creation_free(coro->creation);
    }
    coro->magic = WF_DEAD_MAGIC;
    give_back(coro);
}

void wf_coro_drop(weft_coro *coro)
{
    weft_destroy_fn *destroy = coro->destroy;
    void *arg = coro->arg;

    wf_coro_free(coro);
    if (destroy != NULL) {
        destroy(arg);
    }
}

void wf_awaitable_drop(weft_awaitable *awaitable)
{
    if (wf_coro_is(awaitable)) {
        wf_coro_take(awaitable);
        wf_coro_drop(awaitable);
    }
}

const char *wf_coro_name(const weft_origin *origin)
{
    return origin != NULL && origin->what != NULL ? origin->what : "?";
}

static void report_never_awaited(const weft_coro *coro)
{
    char message[256];
    char creation[WF_CREATION_TEXT_SIZE];
    weft_report report = WEFT_REPORT_INIT;

    snprintf(message, sizeof message, "coroutine '%s' was never awaited",
             wf_coro_name(coro->origin));
    report.kind = WEFT_REPORT_NEVER_AWAITED;
    report.message = message;
    report.subject = wf_coro_name(coro->origin);
    report.origin = coro->origin;
    report.source_traceback = wf_creation_describe(coro->creation, "Coroutine", creation);
    wf_report(&report); /* a warning in asyncio, not a matter of the exception handler */
}

void wf_coro_report_all(struct wf_list *coros)
{
    struct wf_list *link;

    while ((link = wf_list_take_first(coros)) != NULL) {
        weft_coro *coro = WF_CONTAINER_OF(link, weft_coro, link);
        report_never_awaited(coro);
        wf_coro_drop(coro);
    }
}

static int check(weft_coro *coro)
{
    if (wf_coro_is(coro)) {
        return 0;
    }
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                     "not a coroutine object, or one that was handed over already");
}

void weft_coro_close(weft_coro *coro)
{
    if (coro != NULL && check(coro) == 0) {
        wf_coro_take(coro);
        wf_coro_drop(coro);
    }
}

void weft_coro_destroy(weft_coro *coro)
{
    if (coro != NULL && check(coro) == 0) {
        wf_coro_take(coro);
        report_never_awaited(coro);
        wf_coro_drop(coro);
    }
}
