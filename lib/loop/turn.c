/*
 * One turn of the loop, and running turns until told to stop.
 *
 *     poll -> completed I/O is appended -> due timers are appended
 *          -> the queue is detached: the batch -> exactly the batch is run
 *
 * What runs may queue more; that waits for the next turn, so that a callback
 * which queues itself starves neither I/O nor timers. The loop waits in the poll
 * only when nothing is queued and nobody asked it to stop.
 *
 * A host that owns the program's loop asks for weft_loop_fd and runs single
 * turns. Between them the mailbox stands as if the loop slept, so that a post
 * rings the doorbell and the descriptor becomes readable.
 *
 * Thread: the loop's, but for weft_loop_stop_threadsafe.
 */

#include "loop/loop.h"

#include "base/context.h"
#include "base/mutant.h"
#include "thread/doorbell.h"
#include "thread/role.h"

#include <stddef.h>

/* ---- one turn ----------------------------------------------------------- */

/* The next work of this turn, or NULL at its end. */
static struct wf_list *take_next(weft_loop *loop)
{
    struct wf_list *batch = &loop->batch;

    if (WF_MUTANT("stop-cuts-the-turn") && loop->is_stopping) {
        return NULL;
    }
    if (WF_MUTANT("lifo-ready-queue")) {
        struct wf_list *last = batch->prev;
        wf_list_remove(last);
        wf_list_prepend(batch, last);
    }
    return wf_list_take_first(batch);
}

/* Debug level full puts a clock around each piece; a callback may change the level. */
static void run_attentively(weft_loop *loop, struct wf_work *work)
{
    wf_loop_attend(loop);
    if ((wf_loop_get_attention(loop) & WF_ATTENTION_TIMING) != 0) {
        wf_loop_run_timed(loop, work);
    } else {
        work->run(work);
    }
}

static void run_batch(weft_loop *loop)
{
    struct wf_list *node;

    while ((node = take_next(loop)) != NULL) {
        struct wf_work *work = WF_CONTAINER_OF(node, struct wf_work, link);
        wf_loop_enter_work(loop, work);
        if (__builtin_expect(wf_loop_get_attention(loop) != 0, 0)) {
            run_attentively(loop, work);
        } else {
            work->run(work);
        }
    }
}

/* How long the poll may wait. <limit> is a host's. */
static weft_time wait_limit(const weft_loop *loop, weft_time limit)
{
    if (!wf_list_is_empty(&loop->ready) || loop->is_stopping) {
        return WF_POLL_NO_WAIT;
    }
    const struct wf_heap_entry *first = wf_heap_peek(&loop->timers);
    return first != NULL && first->key < limit ? first->key : limit;
}

static void run_turn(weft_loop *loop, weft_time limit)
{
    __atomic_store_n(&loop->n_turns, loop->n_turns + 1, __ATOMIC_RELAXED);
    wf_loop_poll(loop, wait_limit(loop, limit));
    if (loop->timers.n_entries > 0) {
        wf_loop_append_due_timers(loop);
    }
    wf_list_splice(&loop->batch, &loop->ready);
    run_batch(loop);
    __atomic_store_n(&loop->current, NULL, __ATOMIC_RELAXED);
    if (__builtin_expect(wf_loop_get_attention(loop) != 0, 0)) {
        wf_loop_attend_end(loop);
    }
}

/* ---- between the turns of a host ---------------------------------------- */

static void park(weft_loop *loop)
{
    if (loop->is_parked || loop->is_closed) {
        return;
    }
    loop->is_parked = wf_mailbox_try_sleep(&loop->mailbox);
    if (!loop->is_parked) { /* something came: let the descriptor say so */
        wf_doorbell_ring(loop->mailbox.doorbell);
    }
}

void wf_loop_unpark(weft_loop *loop)
{
    if (loop->is_parked) {
        loop->is_parked = false;
        wf_mailbox_wake(&loop->mailbox);
    }
}

/* ---- running ------------------------------------------------------------ */

int wf_loop_check_run(const weft_loop *loop)
{
    int r = wf_loop_check(loop);

    if (r < 0) {
        return r;
    }
    if (loop->is_closed) {
        return weft_fail_at(NULL, WEFT_ECLOSED, "Event loop is closed");
    }
    if (loop->is_running) {
        return weft_fail_at(NULL, WEFT_ERUNTIME, "This event loop is already running");
    }
    /* In a forked child the loop that ran at the fork runs no more. */
    if (wf_loop_running != NULL && wf_loop_running->forks == wf_fork_generation) {
        return weft_fail_at(NULL, WEFT_ERUNTIME,
                            "Cannot run the event loop while another loop is running");
    }
    return 0;
}

static int begin_run(weft_loop *loop)
{
    int r = wf_loop_check_run(loop);

    if (r < 0) {
        return r;
    }
    (void)weft_loop_ref(loop); /* a callback may give the last reference back */
    wf_loop_unpark(loop);
    __atomic_store_n(&loop->is_running, true, __ATOMIC_RELEASE);
    wf_loop_running = loop;
    wf_thread_loop = loop;
    wf_thread_runs_loop = true;
    wf_thread_mailbox = &loop->mailbox;
    loop->frame.vars = wf_vars_copy_current(); /* for what runs without a context of its own */
    loop->outer_frame = wf_frame_running;
    wf_frame_running = &loop->frame;
    wf_poller_count_running(1);
    if (__builtin_expect(loop->watch.offered_on != loop->owner_tid, 0)) {
        wf_loop_offer(loop);
    }
    wf_loop_note_time(loop);
    return 0;
}

static void leave_frame(weft_loop *loop)
{
    struct wf_vars *vars = loop->frame.vars;

    loop->frame.vars = NULL;
    wf_frame_running = loop->outer_frame;
    wf_vars_drop(vars);
}

static void end_run(weft_loop *loop)
{
    wf_poller_count_running(-1);
    wf_thread_runs_loop = false;
    wf_thread_mailbox = NULL;
    wf_loop_running = NULL;
    wf_thread_loop = NULL;
    leave_frame(loop);
    loop->is_stopping = false;
    wf_loop_meter_stop(loop);
    __atomic_store_n(&loop->is_running, false, __ATOMIC_RELEASE);
    if (loop->has_host) {
        park(loop);
    }
    (void)weft_loop_unref(loop); /* always NULL */
}

/* A callback forked, and has come back in the child: the poller is the parent's. */
static int leave_in_child(weft_loop *loop)
{
    wf_thread_runs_loop = false;
    wf_thread_mailbox = NULL;
    wf_loop_running = NULL;
    wf_thread_loop = NULL;
    leave_frame(loop);
    return wf_loop_refuse(loop);
}

int wf_loop_run(weft_loop *loop)
{
    int r = begin_run(loop);

    if (r < 0) {
        return r;
    }
    loop->chains_turns = !loop->has_host;
    do {
        run_turn(loop, WEFT_FOREVER);
        if (__builtin_expect(loop->forks != wf_fork_generation, 0)) {
            return leave_in_child(loop);
        }
    } while (!loop->is_stopping);
    end_run(loop);
    return 0;
}

int weft_loop_run_forever(weft_loop *loop)
{
    return wf_loop_run(loop);
}

int weft_loop_run_once(weft_loop *loop, weft_duration timeout)
{
    int r = begin_run(loop);

    if (r < 0) {
        return r;
    }
    loop->chains_turns = false;
    uint64_t n_before = loop->n_run;
    run_turn(loop, timeout <= 0 ? WF_POLL_NO_WAIT : wf_loop_deadline(loop, timeout));
    if (loop->forks != wf_fork_generation) {
        return leave_in_child(loop);
    }
    uint64_t n_run = loop->n_run - n_before;
    end_run(loop);
    return n_run < INT32_MAX ? (int)n_run : INT32_MAX;
}

/* ---- stopping ----------------------------------------------------------- */

int weft_loop_stop(weft_loop *loop)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    int r = wf_loop_check(loop);
    if (r == 0) {
        loop->is_stopping = true;
    }
    return r;
}

static void deliver_stop(struct wf_post *post)
{
    weft_loop *loop = WF_CONTAINER_OF(post, weft_loop, stop_post);

    /* The node is free again; pairs with the exchange in stop_threadsafe. */
    __atomic_store_n(&loop->is_stop_posted, 0, __ATOMIC_RELEASE);
    loop->is_stopping = true;
}

int weft_loop_stop_threadsafe(weft_loop *loop)
{
    if (loop == NULL || loop->magic != WF_LOOP_MAGIC || loop->forks != wf_fork_generation) {
        return wf_loop_refuse(loop);
    }
    if (weft_loop_is_closed(loop)) {
        return WEFT_ECLOSED;
    }
    if (__atomic_exchange_n(&loop->is_stop_posted, 1, __ATOMIC_ACQ_REL) != 0) {
        return 0; /* one is on its way */
    }
    loop->stop_post.deliver = deliver_stop;
    return wf_loop_post(loop, &loop->stop_post);
}

/* ---- hosts -------------------------------------------------------------- */

int weft_loop_fd(weft_loop *loop)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    loop->has_host = true;
    if (!loop->is_running) {
        park(loop);
    }
    return loop->poller.epoll;
}

weft_time weft_loop_next_deadline(weft_loop *loop)
{
    if (wf_loop_resolve(&loop) < 0) {
        return WEFT_FOREVER;
    }
    const struct wf_poller *poller = &loop->poller;
    if (!wf_list_is_empty(&loop->ready) || loop->is_stopping || poller->uv_is_touched ||
        wf_mailbox_has_posts(&loop->mailbox)) {
        return 0;
    }
    weft_time next = poller->uv_deadline;
    const struct wf_heap_entry *first = wf_heap_peek(&loop->timers);
    if (first != NULL && first->key < next) {
        next = first->key;
    }
    return next;
}
