/*
 * R13: the mailbox, the concurrent future and the executor's queue under the explorer:
 * three threads (and those of the executor), three preemptions (two), all interleavings. Built once
 * with the library's sources, where nothing may be found, and once for each mutant, which must be
 * found.
 */
#include <catch2/catch.hpp>

#include <string>

#include "explore.h"

extern "C" {
#include "thread/concurrent_future.h"
#include "thread/mailbox.h"
#include "weft/error.h"
#include "weft/executor.h"
}

namespace
{

constexpr int bound = 3;

/* ---- the concurrent future ----------------------------------------------- */

struct world {
    weft_concurrent_future future;
    int n_freed;
    int n_values; /* alive */
    int n_owners;
    int set_code;
    int cancel_code;
    int waiter_code[2];

    wf_mailbox box;
    wf_cf_callback callback;
    int n_delivered;
    bool is_removed;
} w;

void on_last_unref(weft_concurrent_future *)
{
    w.n_freed++;
}

const wf_cf_ops ops = { nullptr, nullptr, on_last_unref, WF_CF_PLAIN };

void destroy_value(void *)
{
    w.n_values--;
}

void begin_future()
{
    w = world();
    wf_concurrent_future_init(&w.future, &ops, nullptr);
    w.future.n_refs.raw = 4; /* each thread's and the check's */
    w.set_code = 1;
    w.cancel_code = 1;
    w.waiter_code[0] = w.waiter_code[1] = 1;
}

/* As an executor's thread does it. */
void run_and_set()
{
    int r = weft_concurrent_future_set_running_or_notify_cancel(&w.future);
    if (r == 0) {
        w.n_values++;
        r = weft_concurrent_future_set_result(&w.future, weft_value_ptr(&w, destroy_value));
    }
    w.set_code = r;
    weft_concurrent_future_unref(&w.future);
}

void set()
{
    w.n_values++;
    w.set_code = weft_concurrent_future_set_result(&w.future, weft_value_ptr(&w, destroy_value));
    weft_concurrent_future_unref(&w.future);
}

void cancel()
{
    w.cancel_code = weft_concurrent_future_cancel(&w.future);
    weft_concurrent_future_unref(&w.future);
}

void wait(int i, weft_duration limit)
{
    weft_value value = weft_value_none();
    int r = weft_concurrent_future_result(&w.future, limit, &value);
    bool is_cancelled = weft_concurrent_future_cancelled(&w.future);

    w.waiter_code[i] = r;
    w.n_owners += r == 0;
    explore_expect(r == 0 || r == WEFT_ECANCELED || r == WEFT_ETIMEDOUT || r == WEFT_EINVALIDSTATE,
                   "a waiter got another code");
    explore_expect((r == WEFT_ECANCELED) == (is_cancelled && r != WEFT_ETIMEDOUT),
                   "a waiter got another outcome");
    weft_value_clear(&value);
    weft_concurrent_future_unref(&w.future);
}

void wait_for_ever()
{
    wait(0, WEFT_FOREVER);
}

void wait_a_while()
{
    wait(1, WEFT_S(1));
}

void check_future()
{
    bool is_cancelled = weft_concurrent_future_cancelled(&w.future);

    explore_expect(weft_concurrent_future_done(&w.future), "it is not done");
    explore_expect((w.set_code == 0) != is_cancelled, "set disagrees with the outcome");
    explore_expect(w.cancel_code == 1 || (w.cancel_code == 0) == is_cancelled,
                   "cancel disagrees with the outcome");
    explore_expect(w.n_owners <= (is_cancelled ? 0 : 1), "the value has two owners");
    weft_concurrent_future_unref(&w.future);
    explore_expect(w.n_freed == 1, "it was not freed once");
    explore_expect(w.n_values == 0, "a value was lost or destroyed twice");
}

const explore_scenario set_cancel_timeout = {
    3, 0, { run_and_set, cancel, wait_a_while }, begin_future, check_future
};
const explore_scenario set_cancel_wait = {
    3, 0, { set, cancel, wait_for_ever }, begin_future, check_future
};
const explore_scenario set_wait_timeout = {
    3, 0, { set, wait_for_ever, wait_a_while }, begin_future, check_future
};

/* ---- its callbacks ------------------------------------------------------- */

void deliver_nothing(wf_post *)
{
}

void begin_callback()
{
    begin_future();
    (void)wf_mailbox_init(&w.box);
    w.callback.post.deliver = deliver_nothing;
    w.callback.mailbox = &w.box;
}

/* The owner of a mailbox waits for its callback as a loop does. */
void await_callback()
{
    (void)wf_concurrent_future_add_callback(&w.future, &w.callback);
    while (w.n_delivered == 0) {
        wf_post *post = wf_mailbox_take(&w.box);
        if (post != nullptr) {
            explore_expect(post == &w.callback.post && post->next == nullptr, "a strange post");
            explore_expect(weft_concurrent_future_done(&w.future), "posted before it was done");
            w.n_delivered++;
        } else if (wf_mailbox_try_sleep(&w.box)) {
            explore_wait_for_bell(/* has_limit = */ false);
            wf_mailbox_wake(&w.box);
        }
    }
    weft_concurrent_future_unref(&w.future);
}

void add_and_remove_callback()
{
    (void)wf_concurrent_future_add_callback(&w.future, &w.callback);
    w.is_removed = wf_concurrent_future_remove_callback(&w.future, &w.callback);
    weft_concurrent_future_unref(&w.future);
}

void check_callback()
{
    wf_post *post = wf_mailbox_close(&w.box);

    w.n_delivered += post != nullptr;
    explore_expect(w.n_delivered + w.is_removed == 1, "a callback came twice or never");
    wf_mailbox_fini(&w.box);
    check_future();
}

const explore_scenario set_cancel_callback = {
    3, 0, { set, cancel, await_callback }, begin_callback, check_callback
};
const explore_scenario set_cancel_remove = {
    3, 0, { run_and_set, cancel, add_and_remove_callback }, begin_callback, check_callback
};

/* ---- the mailbox --------------------------------------------------------- */

struct postal_world {
    wf_mailbox box;
    wf_post posts[2][2];
    int n_refused;
    int n_delivered;
    int next[2];
} p;

void begin_mailbox()
{
    p = postal_world();
    (void)wf_mailbox_init(&p.box);
}

void post_two(int poster)
{
    for (wf_post &post : p.posts[poster]) {
        p.n_refused += wf_mailbox_post(&p.box, &post) == WEFT_ECLOSED;
    }
}

void post_first()
{
    post_two(0);
}

void post_second()
{
    post_two(1);
}

void deliver(wf_post *post)
{
    for (; post != nullptr; post = post->next) {
        int poster = post == &p.posts[1][0] || post == &p.posts[1][1];
        explore_expect(post == &p.posts[poster][p.next[poster]], "a post out of its order");
        p.next[poster]++;
        p.n_delivered++;
    }
}

void own(int n_before_close, bool has_timer)
{
    while (p.n_delivered < n_before_close) {
        deliver(wf_mailbox_take(&p.box));
        if (p.n_delivered < n_before_close && wf_mailbox_try_sleep(&p.box)) {
            explore_wait_for_bell(has_timer);
            has_timer = false; /* once: else it could tick for ever */
            wf_mailbox_wake(&p.box);
        }
    }
    deliver(wf_mailbox_close(&p.box));
    wf_mailbox_fini(&p.box);
}

void own_to_the_end()
{
    own(4, /* has_timer = */ false);
}

void own_and_close_early()
{
    own(1, /* has_timer = */ true);
}

void check_mailbox()
{
    explore_expect(p.n_delivered + p.n_refused == 4, "a post was lost or came twice");
}

const explore_scenario post_and_sleep = {
    3, 0, { post_first, post_second, own_to_the_end }, begin_mailbox, check_mailbox
};
const explore_scenario post_and_close = {
    3, 0, { post_first, post_second, own_and_close_early }, begin_mailbox, check_mailbox
};

/* ---- the executor -------------------------------------------------------- */

struct pool_world {
    weft_executor *ex;
    weft_concurrent_future *futures[3];
    int n_ran[3];
    int n_dropped[3];
    int code[3];
    int end_code;
} q;

int run_job(void *data)
{
    ++*static_cast<int *>(data);
    return 0;
}

void drop_job(void *data)
{
    int *n_ran = static_cast<int *>(data);
    q.n_dropped[n_ran - q.n_ran]++;
}

void begin_pool(unsigned max_threads)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    q = pool_world();
    options.max_threads = max_threads;
    options.idle_exit = WEFT_FOREVER; /* so that nobody is rescued by the end of a sleep */
    explore_expect(weft_executor_create(&options, &q.ex) == 0, "no executor");
}

void begin_one()
{
    begin_pool(1);
}

void begin_two()
{
    begin_pool(2);
}

void submit(int i)
{
    q.code[i] = weft_executor_submit_with(q.ex, run_job, &q.n_ran[i], drop_job, &q.futures[i]);
}

void submit_two()
{
    submit(0);
    submit(1);
}

void submit_third()
{
    submit(2);
}

/* Nothing but a call wakes a thread: a lost one ends here, in a wait without end. */
void submit_two_and_wait()
{
    submit_two();
    for (int i = 0; i < 2; i++) {
        (void)weft_concurrent_future_result(q.futures[i], WEFT_FOREVER, nullptr);
    }
}

void end(bool cancels)
{
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    options.cancel_queued = cancels;
    q.end_code = weft_executor_shutdown(q.ex, &options);
}

void end_gently()
{
    end(false);
}

void end_and_cancel()
{
    end(true);
}

void check_pool()
{
    if (q.end_code == 0) {
        end(false); /* where the scenario does not do it; nobody is left to wait for */
    }
    for (int i = 0; i < 3; i++) {
        bool was_submitted = q.futures[i] != nullptr || q.code[i] < 0;
        explore_expect(q.n_ran[i] + q.n_dropped[i] == was_submitted, "a job is lost or ran twice");
        explore_expect(q.code[i] == 0 || q.code[i] == WEFT_ESHUTDOWN, "a submit got another code");
        if (q.futures[i] != nullptr) {
            explore_expect(weft_concurrent_future_done(q.futures[i]), "a job is not done");
            weft_concurrent_future_unref(q.futures[i]);
        }
    }
    explore_expect(q.end_code == 0, "the shutdown has failed");
    weft_executor_unref(q.ex);
    weft_raise(nullptr);
}

void submit_wait_and_end()
{
    submit_two_and_wait();
    end(false);
}

const explore_scenario pool_sleep = { 1, 1, { submit_wait_and_end }, begin_one, check_pool };
const explore_scenario pool_two = { 1, 2, { submit_wait_and_end }, begin_two, check_pool };
const explore_scenario pool_end = {
    3, 1, { submit_two, submit_third, end_gently }, begin_one, check_pool
};
const explore_scenario pool_cancel = {
    2, 2, { submit_two, end_and_cancel }, begin_two, check_pool
};

struct named_scenario {
    const char *name;
    const explore_scenario *scenario;
    int bound = ::bound;
};

const named_scenario all[] = {
    { "future: set x cancel x wait with a limit", &set_cancel_timeout },
    { "future: set x cancel x wait", &set_cancel_wait },
    { "future: set x wait x wait with a limit", &set_wait_timeout },
    { "future: set x cancel x callback", &set_cancel_callback },
    { "future: set x cancel x removal of a callback", &set_cancel_remove },
    { "mailbox: post x post x sleep", &post_and_sleep },
    { "mailbox: post x post x close", &post_and_close },
    { "executor: submit x submit x wait, one thread", &pool_sleep, 3 },
    { "executor: submit x submit x wait, two threads", &pool_two, 2 },
    { "executor: submit x submit x shutdown", &pool_end, 2 },
    { "executor: submit x shutdown that cancels", &pool_cancel, 2 },
};

} // namespace

#ifndef EXPLORE_MUTANT

TEST_CASE("R13 explorer: all interleavings of three threads with three preemptions", "[R13]")
{
    for (const named_scenario &one : all) {
        explore_result result = explore(one.scenario, one.bound);
        INFO(one.name << ": run " << result.n_runs << ", threads " << result.schedule);
        CHECK(std::string(result.failure) == "");
        CHECK(result.is_exhausted);
        CHECK(result.n_runs > 100);
    }
}

namespace
{

int shared;

void begin_race()
{
    shared = 0;
}

extern "C" void wf_explore_point(void);

void increment_badly()
{
    wf_explore_point();
    int before = shared;
    wf_explore_point();
    shared = before + 1;
}

void check_race()
{
    explore_expect(shared == 2, "an increment was lost");
}

} // namespace

TEST_CASE("R13 explorer: a lost update needs one preemption, and is found with one", "[R13]")
{
    const explore_scenario race = {
        2, 0, { increment_badly, increment_badly }, begin_race, check_race
    };
    explore_result without = explore(&race, 0);
    CHECK(std::string(without.failure) == "");
    CHECK(without.n_runs == 2);
    CHECK(without.is_exhausted);
    explore_result with = explore(&race, 1);
    CHECK(std::string(with.failure) == "an increment was lost");
    CHECK(std::string(with.schedule) == "ABA");
}

#else

TEST_CASE("R13 explorer: the mutant " EXPLORE_MUTANT " is found", "[R13]")
{
    std::string failure;
    for (const named_scenario &one : all) {
        explore_result result = explore(one.scenario, one.bound);
        if (failure.empty() && result.failure[0] != '\0') {
            failure = std::string(one.name) + ": " + result.failure;
        }
    }
    INFO(failure);
    CHECK_FALSE(failure.empty());
}

#endif
