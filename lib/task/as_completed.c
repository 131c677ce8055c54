/*
 * as_completed: the outcomes of several awaitables in the order of their ends.
 *
 *     a future is done --its callback--> the line of ends --a task that asks--> out
 *     the limit passes --> for each that is missing a gap goes to the line's end
 *
 * The line works like asyncio's Queue, which stands there: whoever asks while it
 * is empty waits in turn; being woken is no claim, so a newcomer may be faster,
 * and then the woken task waits again.
 *
 * Invariant: ends + gaps + members to come = members; no member comes after a gap.
 *
 * Thread: the loop's.
 */

#include "weft/as_completed.h"

#include "base/alloc.h"
#include "base/log.h"
#include "task/coro.h"
#include "task/waits.h"

#define AS_COMPLETED_MAGIC 0x77664143u

struct getter {
    struct wf_wait wait;
    struct wf_list link; /* until it is woken */
};

static int check(const weft_as_completed *iterator)
{
    if (iterator == NULL || iterator->magic != AS_COMPLETED_MAGIC) {
        return wf_misuse(
            WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where an as_completed iterator is needed",
            iterator == NULL ? "NULL" : "an object of another kind, or one destroyed,");
    }
    return wf_loop_check(iterator->loop);
}

/* ---- what fills the line -------------------------------------------------- */

static void wake_one(weft_as_completed *iterator)
{
    struct wf_list *link = wf_list_take_first(&iterator->getters);

    if (link != NULL) {
        wf_wait_wake(&WF_CONTAINER_OF(link, struct getter, link)->wait, 0);
    }
}

static void on_member_done(struct wf_future_callback *callback)
{
    struct wf_as_completed_member *member =
        WF_CONTAINER_OF(callback, struct wf_as_completed_member, callback);
    weft_as_completed *iterator = member->iterator;

    member->is_to_come = false;
    wf_list_append(&iterator->ends, &member->link);
    wake_one(iterator);
    if (--iterator->n_to_come == 0) {
        wf_timer_stop(iterator->loop, &iterator->timer);
    }
}

static void give_up_members(weft_as_completed *iterator)
{
    for (size_t i = 0; i < iterator->n; i++) {
        struct wf_as_completed_member *member = &iterator->members[i];
        if (member->is_to_come) {
            member->is_to_come = false;
            wf_future_withdraw_callback(&member->callback);
        }
    }
    iterator->n_to_come = 0;
}

static void on_limit(struct wf_work *work)
{
    weft_as_completed *iterator = WF_CONTAINER_OF(work, weft_as_completed, timer.work);
    size_t n_missing = iterator->n_to_come;

    give_up_members(iterator);
    for (; n_missing > 0; n_missing--) {
        iterator->n_gaps++;
        wake_one(iterator);
    }
}

/* ---- what empties it ------------------------------------------------------ */

static bool is_empty(const weft_as_completed *iterator)
{
    return wf_list_is_empty(&iterator->ends) && iterator->n_gaps == 0;
}

static bool cancel_getter(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wf_list_remove(&WF_CONTAINER_OF(wait, struct getter, wait)->link);
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

static void abandon_getter(struct wf_wait *wait)
{
    wf_list_remove(&WF_CONTAINER_OF(wait, struct getter, wait)->link);
}

static int wait_for_end(weft_as_completed *iterator)
{
    int r = 0;

    while (r == 0 && is_empty(iterator)) {
        struct getter getter = {
            .wait = WF_WAIT_INIT_FOR(cancel_getter, abandon_getter, "as_completed",
                                     WF_WAIT_AS_COMPLETED, iterator),
        };
        wf_list_append(&iterator->getters, &getter.link);
        r = wf_task_wait(&getter.wait);
        if (r < 0 && getter.wait.code == 0 && !is_empty(iterator)) {
            wake_one(iterator); /* woken for something that it leaves */
        }
    }
    return r;
}

/* The next in the line, whose reference goes to the caller. */
static int take_next(weft_as_completed *iterator, weft_future **out_future)
{
    int r = wait_for_end(iterator);

    if (r < 0) {
        return r;
    }
    struct wf_list *link = wf_list_take_first(&iterator->ends);
    if (link == NULL) {
        iterator->n_gaps--;
        return weft_fail(WEFT_ETIMEDOUT, "the time limit passed");
    }
    struct wf_as_completed_member *member =
        WF_CONTAINER_OF(link, struct wf_as_completed_member, link);
    *out_future = member->future;
    member->future = NULL;
    return 0;
}

/* One of the times to ask is used up, whatever comes of it. */
static int begin_next(weft_as_completed *iterator)
{
    if (iterator->n_left == 0) {
        return weft_fail(WEFT_EINVALIDSTATE, "all outcomes were handed out");
    }
    iterator->n_left--;
    return 0;
}

static int check_next(weft_as_completed *iterator, const char *what)
{
    struct wf_task *task = NULL;
    int r = check(iterator);

    if (r == 0) {
        r = wf_task_require(what, &task);
    }
    if (r == 0 && task->future.loop != iterator->loop) {
        r = weft_fail(WEFT_ERUNTIME, "the iterator is bound to a different event loop");
    }
    return r;
}

static int take_outcome(weft_as_completed *iterator, weft_value *out_value)
{
    weft_future *future = NULL;
    int r = take_next(iterator, &future);

    if (r == 0) {
        r = wf_future_take(future, out_value);
        wf_future_release(future);
    }
    return r;
}

int weft_as_completed_next(weft_as_completed *iterator, weft_value *out_value)
{
    int r = check_next(iterator, "weft_as_completed_next");

    if (r == 0) {
        r = begin_next(iterator);
    }
    return r < 0 ? r : take_outcome(iterator, out_value);
}

int weft_as_completed_next_future(weft_as_completed *iterator, weft_future **out_future)
{
    int r = check_next(iterator, "weft_as_completed_next_future");

    if (r == 0 && out_future == NULL) {
        r = weft_fail(WEFT_EINVAL, "no place for the future");
    }
    if (r == 0) {
        r = begin_next(iterator);
    }
    return r < 0 ? r : take_next(iterator, out_future);
}

static int run_next(void *iterator)
{
    weft_value value = weft_value_none();
    int r = check_next(iterator, "the next of as_completed");

    if (r == 0) {
        r = take_outcome(iterator, &value);
    }
    return r < 0 ? r : weft_return(value);
}

weft_coro *weft_as_completed_next_coro_at(const weft_origin *origin, weft_as_completed *iterator)
{
    if (check(iterator) < 0 || begin_next(iterator) < 0) {
        return NULL;
    }
    return weft_coro_create_at(origin, run_next, iterator, NULL);
}

int weft_as_completed_has_next(const weft_as_completed *iterator)
{
    return check(iterator) == 0 && iterator->n_left > 0;
}

/* ---- life ----------------------------------------------------------------- */

static void release(weft_as_completed *iterator)
{
    wf_timer_stop(iterator->loop, &iterator->timer);
    give_up_members(iterator);
    for (size_t i = 0; i < iterator->n; i++) {
        (void)weft_future_unref(iterator->members[i].future); /* always NULL */
    }
    iterator->magic = WF_DEAD_MAGIC;
    wf_loop_let_go(iterator->loop);
    wf_free(iterator);
}

void weft_as_completed_destroy(weft_as_completed *iterator)
{
    if (iterator == NULL || check(iterator) < 0) {
        return;
    }
    if (!wf_list_is_empty(&iterator->getters)) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE,
                        "an as_completed iterator was destroyed while a task waits in it");
        return; /* it leaks, but nothing dangles */
    }
    release(iterator);
}

static void find_duplicates(weft_as_completed *iterator, weft_awaitable *const *awaitables)
{
    for (size_t i = 0; i < iterator->n; i++) {
        iterator->members[i].is_to_come = !wf_awaitable_mark(awaitables[i]);
    }
    for (size_t i = 0; i < iterator->n; i++) {
        wf_awaitable_unmark(awaitables[i]);
    }
}

/* Nothing comes of it: what was started for it must not go on by itself. */
static void cancel_made(weft_as_completed *iterator)
{
    for (size_t i = 0; i < iterator->n; i++) {
        struct wf_as_completed_member *member = &iterator->members[i];
        member->is_to_come = false; /* none has a callback yet */
        if (member->is_made) {
            (void)wf_future_request_cancel(member->future, NULL); /* or it has ended */
        }
    }
}

static int make_members(const weft_origin *origin, weft_as_completed *iterator,
                        weft_awaitable *const *awaitables)
{
    for (size_t i = 0; i < iterator->n; i++) {
        struct wf_as_completed_member *member = &iterator->members[i];
        if (!member->is_to_come) {
            continue;
        }
        bool is_coro = wf_coro_is(awaitables[i]);
        int r = wf_awaitable_to_future(origin, iterator->loop, awaitables[i], &member->future);
        if (r < 0) {
            wf_awaitables_drop(awaitables, i + 1, iterator->n);
            return r;
        }
        member->is_made = is_coro;
        iterator->n_left++;
    }
    return 0;
}

static void follow_members(weft_as_completed *iterator)
{
    for (size_t i = 0; i < iterator->n; i++) {
        struct wf_as_completed_member *member = &iterator->members[i];
        member->iterator = iterator;
        wf_list_init(&member->link);
        if (member->is_to_come) {
            iterator->n_to_come++;
            member->callback.run = on_member_done;
            member->callback.drop = NULL; /* the iterator has the reference */
            wf_future_add_callback(member->future, &member->callback);
        }
    }
}

static int start(const weft_origin *origin, weft_as_completed *iterator,
                 weft_awaitable *const *awaitables, weft_duration limit)
{
    find_duplicates(iterator, awaitables);
    int r = make_members(origin, iterator, awaitables);
    if (r == 0 && iterator->n > 0) {
        r = wf_timer_start(iterator->loop, &iterator->timer,
                           wf_loop_deadline(iterator->loop, limit));
    }
    if (r < 0) {
        cancel_made(iterator);
        return r;
    }
    follow_members(iterator);
    return 0;
}

static weft_as_completed *allocate(weft_loop *loop, size_t n)
{
    weft_as_completed *iterator = NULL;

    if (n <= (SIZE_MAX - sizeof *iterator) / sizeof iterator->members[0]) {
        iterator = wf_alloc_zeroed(1, sizeof *iterator + n * sizeof iterator->members[0]);
    }
    if (iterator == NULL) {
        return NULL;
    }
    iterator->magic = AS_COMPLETED_MAGIC;
    iterator->loop = loop;
    wf_loop_hold(loop);
    wf_timer_init(&iterator->timer, on_limit);
    wf_list_init(&iterator->ends);
    wf_list_init(&iterator->getters);
    iterator->n = n;
    return iterator;
}

int weft_as_completed_at(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                         weft_duration limit, weft_as_completed **out_iterator)
{
    weft_loop *loop = NULL;
    weft_as_completed *iterator = NULL;
    int r = wf_awaitables_check(origin, awaitables, n, out_iterator, &loop);

    if (r == 0) {
        iterator = allocate(loop, n);
        r = iterator != NULL ? 0 : weft_fail_at(origin, WEFT_ENOMEM, "no memory for %zu ends", n);
    }
    if (r < 0 || iterator == NULL) { /* the second says the first again, to the analyzer */
        wf_awaitables_drop(awaitables, 0, n);
        return r;
    }
    r = start(origin, iterator, awaitables, limit);
    if (r < 0) {
        release(iterator);
        return r;
    }
    *out_iterator = iterator;
    return 0;
}
