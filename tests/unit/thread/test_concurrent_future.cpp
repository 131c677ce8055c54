/* The concurrent future: every transition, and what each caller is told. */
#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/sweep.hpp"

extern "C" {
#include "base/error.h"
#include "thread/concurrent_future.h"
#include "thread/role.h"
}

namespace
{

void count_destroy(void *data)
{
    ++*static_cast<int *>(data);
}

struct made_future {
    weft_concurrent_future *f = nullptr;
    made_future()
    {
        REQUIRE(weft_concurrent_future_create(&f) == 0);
    }
    ~made_future()
    {
        weft_concurrent_future_unref(f);
    }
    operator weft_concurrent_future *() const
    {
        return f;
    }
};

struct open_mailbox {
    wf_mailbox box;
    open_mailbox()
    {
        REQUIRE(wf_mailbox_init(&box) == 0);
    }
    ~open_mailbox()
    {
        (void)wf_mailbox_close(&box);
        wf_mailbox_fini(&box);
    }
};

void deliver_nothing(wf_post *)
{
}

wf_cf_callback callback_to(wf_mailbox &box)
{
    wf_cf_callback callback = {};
    callback.post.deliver = deliver_nothing;
    callback.mailbox = &box;
    return callback;
}

int64_t number_of(weft_concurrent_future *f)
{
    weft_value value = weft_value_int(-1);
    int r = weft_concurrent_future_result(f, 0, &value);
    return r == 0 ? value.as.num : r;
}

struct run_as_loop {
    run_as_loop()
    {
        wf_thread_runs_loop = true;
    }
    ~run_as_loop()
    {
        wf_thread_runs_loop = false;
    }
};

} // namespace

TEST_CASE("concurrent future: a pending one is nothing yet", "[cf]")
{
    made_future f;
    weft_value value = weft_value_int(77);
    int code = 77;
    CHECK_FALSE(weft_concurrent_future_done(f));
    CHECK_FALSE(weft_concurrent_future_running(f));
    CHECK_FALSE(weft_concurrent_future_cancelled(f));
    CHECK(weft_concurrent_future_result(f, 0, &value) == WEFT_ETIMEDOUT);
    CHECK(weft_concurrent_future_result(f, WEFT_US(50), &value) == WEFT_ETIMEDOUT);
    CHECK(weft_concurrent_future_exception(f, -1, &code) == WEFT_ETIMEDOUT);
    CHECK(value.as.num == 77);
    CHECK(code == 77);
}

TEST_CASE("concurrent future: a plain value is copied to everybody who asks", "[cf]")
{
    made_future f;
    int code = 77;
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_int(42)) == 0);
    CHECK(weft_concurrent_future_done(f));
    CHECK_FALSE(weft_concurrent_future_cancelled(f));
    CHECK(number_of(f) == 42);
    CHECK(number_of(f) == 42);
    CHECK(weft_concurrent_future_exception(f, 0, &code) == 0);
    CHECK(code == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == 0);
}

TEST_CASE("concurrent future: a value with a destructor goes to the first who asks", "[cf]")
{
    int n_destroyed = 0;
    weft_value value = weft_value_none();
    {
        made_future f;
        REQUIRE(weft_concurrent_future_set_result(f, weft_value_ptr(&n_destroyed, count_destroy)) ==
                0);
        CHECK(weft_concurrent_future_result(f, 0, nullptr) == 0); /* takes nothing */
        REQUIRE(weft_concurrent_future_result(f, 0, &value) == 0);
        weft_value second = weft_value_int(5);
        CHECK(weft_concurrent_future_result(f, 0, &second) == WEFT_EINVALIDSTATE);
        CHECK(second.as.num == 5);
        weft_raise(nullptr);
    }
    CHECK(n_destroyed == 0);
    weft_value_clear(&value);
    CHECK(n_destroyed == 1);
}

TEST_CASE("concurrent future: a value that nobody took dies with the last reference", "[cf]")
{
    int n_destroyed = 0;
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_concurrent_future_create(&f) == 0);
    REQUIRE(weft_concurrent_future_ref(f) == f);
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_ptr(&n_destroyed, count_destroy)) == 0);
    CHECK(weft_concurrent_future_unref(f) == nullptr);
    CHECK(n_destroyed == 0);
    CHECK(weft_concurrent_future_unref(f) == nullptr);
    CHECK(n_destroyed == 1);
}

TEST_CASE("concurrent future: a failure comes with its message and place, to each caller", "[cf]")
{
    made_future f;
    REQUIRE(weft_concurrent_future_set_exception(f, WEFT_EUSER(3), "page %d torn", 7) == 0);
    for (int i = 0; i < 2; i++) {
        int code = 0;
        CHECK(number_of(f) == WEFT_EUSER(3));
        const weft_error *first = weft_error_ref(weft_current_error());
        CHECK(std::string(weft_current_message(WEFT_EUSER(3))) == "page 7 torn");
        CHECK(weft_error_get_n_places(first) == 1);
        (void)weft_trace_at(WEFT_ORIGIN(nullptr), WEFT_EUSER(3)); /* a copy: mine to write to */
        CHECK(weft_error_get_n_places(first) == 2);
        weft_raise(nullptr);
        CHECK(weft_concurrent_future_exception(f, 0, &code) == 0);
        CHECK(code == WEFT_EUSER(3));
        CHECK(std::string(weft_current_message(WEFT_EUSER(3))) == "page 7 torn");
        CHECK(weft_current_error() != first);
        weft_error_unref(first);
        weft_raise(nullptr);
    }
}

TEST_CASE("concurrent future: cancel before the start, and nothing after it", "[cf][cancel]")
{
    made_future f;
    int n_destroyed = 0;
    int code = 77;
    REQUIRE(weft_concurrent_future_cancel(f) == 0);
    CHECK(weft_concurrent_future_cancelled(f));
    CHECK(weft_concurrent_future_done(f));
    CHECK(weft_concurrent_future_cancel(f) == 0);
    CHECK(weft_concurrent_future_set_running_or_notify_cancel(f) == WEFT_ECANCELED);
    CHECK(weft_concurrent_future_set_result(f, weft_value_ptr(&n_destroyed, count_destroy)) ==
          WEFT_EINVALIDSTATE);
    CHECK(n_destroyed == 1);
    CHECK(weft_concurrent_future_set_exception(f, WEFT_EINVAL, "late") == WEFT_EINVALIDSTATE);
    CHECK(number_of(f) == WEFT_ECANCELED);
    CHECK(weft_concurrent_future_exception(f, 0, &code) == WEFT_ECANCELED);
    CHECK(code == 77);
}

TEST_CASE("concurrent future: what runs cannot be cancelled", "[cf][cancel]")
{
    made_future f;
    REQUIRE(weft_concurrent_future_set_running_or_notify_cancel(f) == 0);
    CHECK(weft_concurrent_future_running(f));
    CHECK(weft_concurrent_future_set_running_or_notify_cancel(f) == WEFT_EINVALIDSTATE);
    CHECK(weft_concurrent_future_cancel(f) == WEFT_EINVALIDSTATE);
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_int(1)) == 0);
    CHECK_FALSE(weft_concurrent_future_running(f));
    CHECK(weft_concurrent_future_cancel(f) == WEFT_EINVALIDSTATE);
    CHECK(weft_concurrent_future_set_running_or_notify_cancel(f) == WEFT_EINVALIDSTATE);
    CHECK(weft_concurrent_future_set_result(f, weft_value_int(2)) == WEFT_EINVALIDSTATE);
    CHECK(number_of(f) == 1);
}

TEST_CASE("concurrent future: finished with WEFT_ECANCELED is not cancelled", "[cf][cancel]")
{
    made_future f;
    int code = 0;
    REQUIRE(weft_concurrent_future_set_exception(f, WEFT_ECANCELED, "by the job") == 0);
    CHECK_FALSE(weft_concurrent_future_cancelled(f));
    CHECK(weft_concurrent_future_exception(f, 0, &code) == 0);
    CHECK(code == WEFT_ECANCELED);
    weft_raise(nullptr);
}

TEST_CASE("concurrent future: misuse is refused and reported", "[cf][misuse]")
{
    log_recorder log;
    made_future f;
    uint32_t not_a_future[64] = { 1 };
    weft_concurrent_future *bad = reinterpret_cast<weft_concurrent_future *>(not_a_future);
    int n_destroyed = 0;

    CHECK(weft_concurrent_future_create(nullptr) == WEFT_EINVAL);
    CHECK(weft_concurrent_future_set_exception(f, 0, "no") == WEFT_EINVAL);
    CHECK(weft_concurrent_future_exception(f, 0, nullptr) == WEFT_EINVAL);
    CHECK(weft_concurrent_future_cancel(bad) == WEFT_EINVAL);
    CHECK(weft_concurrent_future_result(nullptr, 0, nullptr) == WEFT_EINVAL);
    CHECK(weft_concurrent_future_set_result(nullptr, weft_value_ptr(&n_destroyed, count_destroy)) ==
          WEFT_EINVAL);
    CHECK(n_destroyed == 1);
    CHECK(log.count(WEFT_REPORT_MISUSE) == 6);
    CHECK_FALSE(weft_concurrent_future_done(nullptr));
    CHECK_FALSE(weft_concurrent_future_running(nullptr));
    CHECK_FALSE(weft_concurrent_future_cancelled(nullptr));
    CHECK(weft_concurrent_future_ref(nullptr) == nullptr);
    CHECK(weft_concurrent_future_unref(nullptr) == nullptr);
    CHECK(log.count(WEFT_REPORT_MISUSE) == 6);
    CHECK_FALSE(weft_concurrent_future_done(f));
    weft_raise(nullptr);
}

TEST_CASE("concurrent future: a loop's thread never blocks on one", "[cf]")
{
    made_future f;
    run_as_loop role;
    int code;
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == WEFT_EDEADLOCK);
    CHECK(weft_concurrent_future_exception(f, WEFT_S(1), &code) == WEFT_EDEADLOCK);
    CHECK(weft_concurrent_future_result(f, 0, nullptr) == WEFT_ETIMEDOUT);
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_int(8)) == 0);
    weft_value value;
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, &value) == 0);
    CHECK(value.as.num == 8);
    weft_raise(nullptr);
}

TEST_CASE("concurrent future: an old error does not explain a time-out", "[cf][regress]")
{
    made_future f;
    (void)weft_fail(WEFT_ETIMEDOUT, "an hour ago");
    CHECK(weft_concurrent_future_result(f, 0, nullptr) == WEFT_ETIMEDOUT);
    CHECK(weft_current_error() == nullptr);
}

TEST_CASE("concurrent future: waiters wake with the outcome", "[cf][threads]")
{
    made_future f;
    std::atomic<int> n_started{ 0 };
    std::vector<int64_t> seen(4, -1);
    std::vector<std::thread> waiters;
    for (size_t i = 0; i < seen.size(); i++) {
        waiters.emplace_back([&, i] {
            n_started++;
            weft_value value;
            int r = weft_concurrent_future_result(f, i % 2 ? WEFT_FOREVER : WEFT_S(60), &value);
            seen[i] = r == 0 ? value.as.num : r;
        });
    }
    while (n_started < 4) {
        std::this_thread::yield();
    }

    SECTION("of a result")
    {
        REQUIRE(weft_concurrent_future_set_running_or_notify_cancel(f) == 0);
        REQUIRE(weft_concurrent_future_set_result(f, weft_value_int(11)) == 0);
        for (std::thread &waiter : waiters) {
            waiter.join();
        }
        CHECK(seen == std::vector<int64_t>(4, 11));
    }
    SECTION("of a cancel")
    {
        REQUIRE(weft_concurrent_future_cancel(f) == 0);
        for (std::thread &waiter : waiters) {
            waiter.join();
        }
        CHECK(seen == std::vector<int64_t>(4, WEFT_ECANCELED));
    }
}

TEST_CASE("concurrent future: a callback is posted once, when it is done", "[cf][callback]")
{
    open_mailbox m;
    made_future f;
    wf_cf_callback first = callback_to(m.box);
    wf_cf_callback second = callback_to(m.box);
    wf_cf_callback late = callback_to(m.box);

    REQUIRE(wf_concurrent_future_add_callback(f, &first) == 0);
    REQUIRE(wf_concurrent_future_add_callback(f, &second) == 0);
    REQUIRE(weft_concurrent_future_set_running_or_notify_cancel(f) == 0);
    CHECK_FALSE(wf_mailbox_has_posts(&m.box));
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_none()) == 0);
    wf_post *posts = wf_mailbox_take(&m.box);
    REQUIRE(posts == &first.post);
    REQUIRE(posts->next == &second.post);
    CHECK(posts->next->next == nullptr);
    CHECK_FALSE(wf_concurrent_future_remove_callback(f, &first));

    REQUIRE(wf_concurrent_future_add_callback(f, &late) == 0);
    CHECK(wf_mailbox_take(&m.box) == &late.post);
    CHECK(wf_mailbox_take(&m.box) == nullptr);
}

TEST_CASE("concurrent future: a callback that was removed never comes", "[cf][callback]")
{
    open_mailbox m;
    made_future f;
    wf_cf_callback first = callback_to(m.box);
    wf_cf_callback second = callback_to(m.box);
    REQUIRE(wf_concurrent_future_add_callback(f, &first) == 0);
    REQUIRE(wf_concurrent_future_add_callback(f, &second) == 0);
    CHECK(wf_concurrent_future_remove_callback(f, &first));
    REQUIRE(weft_concurrent_future_cancel(f) == 0);
    CHECK(wf_mailbox_take(&m.box) == &second.post);
    CHECK(second.post.next == nullptr);
}

TEST_CASE("concurrent future: a closed mailbox is no obstacle", "[cf][callback]")
{
    open_mailbox m;
    made_future f;
    wf_cf_callback callback = callback_to(m.box);
    wf_cf_callback late = callback_to(m.box);
    REQUIRE(wf_concurrent_future_add_callback(f, &callback) == 0);
    (void)wf_mailbox_close(&m.box);
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_none()) == 0);
    CHECK(wf_concurrent_future_remove_callback(f, &callback)); /* it will never be posted */
    CHECK(wf_concurrent_future_add_callback(f, &late) == WEFT_ECLOSED);
}

namespace
{

struct embedding {
    weft_concurrent_future future;
    int n_on_cancel;
    int n_after_cancel;
    int n_last_unref;
    bool was_cancelled_inside;
};

embedding *of(weft_concurrent_future *f)
{
    return reinterpret_cast<embedding *>(f);
}

void on_cancel(weft_concurrent_future *f)
{
    of(f)->n_on_cancel++;
    of(f)->was_cancelled_inside = weft_concurrent_future_cancelled(f);
}

void after_cancel(weft_concurrent_future *f)
{
    of(f)->n_after_cancel++;
}

void on_last_unref(weft_concurrent_future *f)
{
    of(f)->n_last_unref++;
}

const wf_cf_ops ops = { on_cancel, after_cancel, on_last_unref, WF_CF_PLAIN };
const wf_cf_ops last_only = { nullptr, nullptr, on_last_unref, WF_CF_PLAIN };

} // namespace

TEST_CASE("concurrent future: the object that embeds one is told", "[cf]")
{
    embedding e = {};
    wf_concurrent_future_init(&e.future, &ops, nullptr);

    SECTION("of one cancel, once")
    {
        REQUIRE(weft_concurrent_future_cancel(&e.future) == 0);
        REQUIRE(weft_concurrent_future_cancel(&e.future) == 0);
        CHECK(e.n_on_cancel == 1);
        CHECK(e.n_after_cancel == 1);
        CHECK_FALSE(e.was_cancelled_inside);
    }
    SECTION("not of a quiet cancel")
    {
        REQUIRE(wf_concurrent_future_cancel_quietly(&e.future) == 0);
        REQUIRE(weft_concurrent_future_cancel(&e.future) == 0);
        CHECK(e.n_on_cancel == 0);
        CHECK(e.n_after_cancel == 0);
        CHECK(weft_concurrent_future_cancelled(&e.future));
    }
    SECTION("not of a cancel that comes too late")
    {
        REQUIRE(weft_concurrent_future_set_running_or_notify_cancel(&e.future) == 0);
        CHECK(weft_concurrent_future_cancel(&e.future) == WEFT_EINVALIDSTATE);
        CHECK(wf_concurrent_future_cancel_quietly(&e.future) == WEFT_EINVALIDSTATE);
        CHECK(e.n_on_cancel == 0);
    }
    SECTION("not when it does not want to know any more")
    {
        wf_concurrent_future_set_ops(&e.future, &last_only);
        REQUIRE(weft_concurrent_future_cancel(&e.future) == 0);
        CHECK(e.n_on_cancel == 0);
    }
    CHECK(e.n_last_unref == 0);
    weft_concurrent_future_unref(&e.future);
    CHECK(e.n_last_unref == 1);
}

TEST_CASE("concurrent future: take gives the outcome to a loop", "[cf]")
{
    made_future f;
    int n_destroyed = 0;
    weft_value value = weft_value_none();
    weft_error *error = nullptr;
    CHECK(wf_concurrent_future_take(f, &value, &error) == WEFT_EINVALIDSTATE);

    SECTION("a value, once")
    {
        REQUIRE(weft_concurrent_future_set_result(f, weft_value_ptr(&n_destroyed, count_destroy)) ==
                0);
        CHECK(wf_concurrent_future_take(f, &value, &error) == 0);
        CHECK(error == nullptr);
        CHECK(value.as.ptr == &n_destroyed);
        CHECK(wf_concurrent_future_take(f, &value, &error) == WEFT_EINVALIDSTATE);
        weft_value_clear(&value);
        CHECK(n_destroyed == 1);
    }
    SECTION("an error, as a copy")
    {
        weft_error *original = wf_error_create(WEFT_EUSER(1), nullptr, "broken");
        REQUIRE(wf_concurrent_future_finish(f, WEFT_EUSER(1), weft_value_none(), original) == 0);
        CHECK(wf_concurrent_future_take(f, &value, &error) == WEFT_EUSER(1));
        REQUIRE(error != nullptr);
        CHECK(error != original);
        CHECK(std::string(weft_error_get_message(error)) == "broken");
        wf_error_unref(error);
    }
    SECTION("a code that travelled alone")
    {
        REQUIRE(wf_concurrent_future_finish(f, WEFT_EUSER(1), weft_value_none(), nullptr) == 0);
        CHECK(wf_concurrent_future_take(f, &value, &error) == WEFT_EUSER(1));
        CHECK(error == nullptr);
    }
    SECTION("a cancel")
    {
        REQUIRE(weft_concurrent_future_cancel(f) == 0);
        CHECK(wf_concurrent_future_take(f, &value, &error) == WEFT_ECANCELED);
    }
}

TEST_CASE("concurrent future: without memory", "[cf][oom]")
{
    weft_concurrent_future *const untouched = reinterpret_cast<weft_concurrent_future *>(16);
    int n_failed = sweep_out_of_memory([&] {
        weft_concurrent_future *f = untouched;
        int r = weft_concurrent_future_create(&f);
        if (r < 0) {
            CHECK(f == untouched);
            return r;
        }
        /* Neither setting nor asking fails: what is lost is the text. */
        CHECK(weft_concurrent_future_set_exception(f, WEFT_EUSER(4), "text") == 0);
        CHECK(weft_concurrent_future_result(f, 0, nullptr) == WEFT_EUSER(4));
        bool has_text = std::string(weft_current_message(WEFT_EUSER(4))) == "text";
        weft_concurrent_future_unref(f);
        return has_text ? 0 : WEFT_ENOMEM;
    });
    CHECK(n_failed == 3);
}
