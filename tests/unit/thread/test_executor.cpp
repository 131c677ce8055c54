/* The executor: jobs, threads, the queue's limit, cancelling, shutting down. */
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>
#include <pthread.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/door.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/result.h"

extern "C" {
#include "thread/executor.h"
#include "thread/executor_parts.h"
#include "thread/role.h"
}

namespace
{

weft_executor_options options_for(unsigned min, unsigned max, size_t limit = 0,
                                  weft_executor_when_full when_full = WEFT_EXECUTOR_REJECT)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.name = "test";
    options.min_threads = min;
    options.max_threads = max;
    options.queue_limit = limit;
    options.when_full = when_full;
    return options;
}

struct made_executor {
    weft_executor *ex = nullptr;

    explicit made_executor(const weft_executor_options &options)
    {
        REQUIRE(weft_executor_create(&options, &ex) == 0);
    }
    ~made_executor()
    {
        (void)weft_executor_shutdown(ex, nullptr);
        weft_executor_unref(ex);
    }
    operator weft_executor *() const
    {
        return ex;
    }

    weft_executor_stats stats() const
    {
        weft_executor_stats s = WEFT_EXECUTOR_STATS_INIT;
        REQUIRE(weft_executor_get_stats(ex, &s) == 0);
        return s;
    }
};

int answer(void *)
{
    return weft_return_int(42);
}

int pass_door(void *data)
{
    static_cast<door *>(data)->pass();
    return 0;
}

int fail_politely(void *)
{
    return weft_fail(WEFT_EUSER(7), "the %s is cold", "tea");
}

int count(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
    return 0;
}

void count_destroy(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
}

/* Result with the reference given back; negative codes as they are. */
int64_t finish(weft_concurrent_future *f, weft_duration limit = WEFT_FOREVER)
{
    weft_value value = weft_value_none();
    int r = weft_concurrent_future_result(f, limit, &value);
    weft_concurrent_future_unref(f);
    return r < 0 ? r : value.as.num;
}

/* A job that writes its number down when it runs. */
struct diary {
    std::mutex mutex;
    std::vector<int> numbers;
};
struct entry {
    diary *book;
    int number;
};

int write_down(void *data)
{
    entry *e = static_cast<entry *>(data);
    std::lock_guard<std::mutex> guard(e->book->mutex);
    e->book->numbers.push_back(e->number);
    return 0;
}

std::string message_of(int code)
{
    std::string text = weft_current_message(code);
    weft_raise(nullptr);
    return text;
}

} // namespace

TEST_CASE("executor: a job runs on a named thread and hands back its value", "[executor]")
{
    made_executor ex(options_for(0, 2));
    CHECK(ex.stats().n_threads == 0);

    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0);
    CHECK(finish(f) == 42);

    struct local {
        static int name_of_thread(void *data)
        {
            return -pthread_getname_np(pthread_self(), static_cast<char *>(data), 16);
        }
    };
    char name[16] = "";
    REQUIRE(weft_executor_submit(ex, local::name_of_thread, name, &f) == 0);
    CHECK(finish(f) == 0);
    CHECK(std::string(name).substr(0, 5) == "test-");
    CHECK(std::string(weft_executor_get_name(ex)) == "test");
    CHECK(ex.stats().n_done == 2);
    CHECK(ex.stats().n_running == 0);
}

TEST_CASE("executor: a failure brings its message and place to whoever asks", "[executor]")
{
    log_recorder log;
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, fail_politely, nullptr, &f) == 0);
    CHECK(finish(f) == WEFT_EUSER(7));
    const weft_error *error = weft_current_error();
    REQUIRE(error != nullptr);
    CHECK(std::string(weft_error_get_message(error)) == "the tea is cold");
    CHECK(std::string(weft_error_get_place(error, 0).function) == "fail_politely");
    weft_raise(nullptr);
    CHECK(log.records().empty());
}

TEST_CASE("executor: a failure that nobody can ask for is reported", "[executor]")
{
    log_recorder log;
    {
        made_executor ex(options_for(0, 1));
        REQUIRE(weft_executor_submit(ex, fail_politely, nullptr, nullptr) == 0);
        REQUIRE(weft_executor_submit(ex, answer, nullptr, nullptr) == 0);
    }
    REQUIRE(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);
    CHECK(log.has("job 'fail_politely' failed"));
    CHECK(log.has("the tea is cold"));
}

TEST_CASE("executor: what a failed job returned is destroyed", "[executor]")
{
    static std::atomic<int> n_destroyed;
    struct local {
        static int job(void *)
        {
            (void)weft_return_ptr(&n_destroyed, count_destroy);
            return WEFT_EUSER(1);
        }
    };
    n_destroyed = 0;
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, local::job, nullptr, &f) == 0);
    CHECK(finish(f) == WEFT_EUSER(1));
    CHECK(n_destroyed == 1);
    CHECK(weft_current_error() == nullptr);
}

TEST_CASE("executor: jobs start in the order of submit", "[executor]")
{
    door gate;
    diary book;
    std::vector<entry> entries;
    made_executor ex(options_for(0, 1));
    for (int i = 0; i < 50; i++) {
        entries.push_back({ &book, i });
    }
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    weft_concurrent_future *last = nullptr;
    for (entry &e : entries) {
        last = weft_concurrent_future_unref(last);
        REQUIRE(weft_executor_submit(ex, write_down, &e, &last) == 0);
    }
    CHECK(ex.stats().n_queued == 50);
    gate.open();
    CHECK(finish(last) == 0);
    REQUIRE(book.numbers.size() == 50);
    CHECK(std::is_sorted(book.numbers.begin(), book.numbers.end()));
}

namespace
{

/* Long by the coarse clock; writes its number down first. */
int nap_and_write(void *data)
{
    (void)write_down(data);
    timespec time = { 0, 10 * 1000 * 1000 };
    nanosleep(&time, nullptr);
    return 0;
}

/* Let the executor see that nap_and_write runs long. */
void teach(weft_executor *ex, entry *e)
{
    for (int i = 0; i < 2; i++) {
        weft_concurrent_future *f = nullptr;
        REQUIRE(weft_executor_submit(ex, nap_and_write, e, &f) == 0);
        REQUIRE(finish(f) == 0);
    }
}

} // namespace

TEST_CASE("executor: short jobs pass those of a function that runs long",
          "[executor][lane][slow]") /* real time: that is what is learned */
{
    door gate;
    diary book;
    std::vector<entry> entries;
    for (int i = 0; i < 30; i++) {
        entries.push_back({ &book, i });
    }
    made_executor ex(options_for(0, 1));

    SECTION("once it is known")
    {
        teach(ex, &entries[0]);
        book.numbers.clear();
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
        gate.wait_for(1);
        for (int i = 1; i <= 3; i++) {
            REQUIRE(weft_executor_submit(ex, nap_and_write, &entries[i], nullptr) == 0);
        }
        REQUIRE(weft_executor_submit(ex, write_down, &entries[4], nullptr) == 0);
        REQUIRE(weft_executor_submit(ex, write_down, &entries[5], nullptr) == 0);
        CHECK(ex.stats().n_queued == 5);
        CHECK(std::string(ex.stats().head_origin->what) == "nap_and_write");
        gate.open();
        REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
        CHECK(book.numbers == std::vector<int>{ 4, 5, 1, 2, 3 });
    }
    SECTION("also when it becomes known while they wait")
    {
        for (int i = 1; i <= 4; i++) {
            REQUIRE(weft_executor_submit(ex, nap_and_write, &entries[i], nullptr) == 0);
        }
        REQUIRE(weft_executor_submit(ex, write_down, &entries[5], nullptr) == 0);
        REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
        REQUIRE(book.numbers.size() == 5);
        CHECK(book.numbers[0] == 1);
        CHECK(book.numbers[4] == 4);
    }
    SECTION("all but every eighth time")
    {
        teach(ex, &entries[0]);
        book.numbers.clear();
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
        gate.wait_for(1);
        REQUIRE(weft_executor_submit(ex, nap_and_write, &entries[0], nullptr) == 0);
        for (int i = 1; i < 20; i++) {
            REQUIRE(weft_executor_submit(ex, write_down, &entries[i], nullptr) == 0);
        }
        gate.open();
        REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
        REQUIRE(book.numbers.size() == 20);
        CHECK(book.numbers[7] == 0);
        CHECK(book.numbers[6] == 7);
        CHECK(book.numbers[19] == 19);
    }
    SECTION("and a cancelled one leaves its lane")
    {
        teach(ex, &entries[0]);
        book.numbers.clear();
        weft_concurrent_future *f = nullptr;
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
        gate.wait_for(1);
        REQUIRE(weft_executor_submit(ex, nap_and_write, &entries[1], &f) == 0);
        REQUIRE(weft_concurrent_future_cancel(f) == 0);
        CHECK(ex.stats().n_queued == 0);
        CHECK(finish(f) == WEFT_ECANCELED);
        gate.open();
        REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
        CHECK(book.numbers.empty());
    }
}

TEST_CASE("executor: threads are made when a job finds none free, up to the most", "[executor]")
{
    door gate;
    made_executor ex(options_for(1, 3));
    CHECK(ex.stats().n_threads == 1);
    for (int i = 0; i < 5; i++) {
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    }
    gate.wait_for(3);
    weft_executor_stats stats = ex.stats();
    CHECK(stats.n_threads == 3);
    CHECK(stats.n_running == 3);
    CHECK(stats.n_queued == 2);
    CHECK(stats.n_idle == 0);
    CHECK(std::string(stats.head_origin->what) == "pass_door");
    gate.open();
}

TEST_CASE("executor: one job after the other needs one thread", "[executor]")
{
    made_executor ex(options_for(0, 8));
    for (int i = 0; i < 200; i++) {
        weft_concurrent_future *f = nullptr;
        REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0);
        REQUIRE(finish(f) == 42);
    }
    /* The thread may be on its way back to sleep when the next job comes. */
    CHECK(ex.stats().n_threads <= 2);
    CHECK(ex.stats().n_done == 200);
}

TEST_CASE("executor: idle threads end, but for the least number", "[executor][slow]")
{
    weft_executor_options options = options_for(1, 4);
    options.idle_exit = WEFT_MS(1);
    door gate;
    made_executor ex(options);
    for (int i = 0; i < 4; i++) {
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    }
    gate.wait_for(4);
    gate.open();
    while (ex.stats().n_threads > 1) {
        std::this_thread::yield();
    }
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0);
    CHECK(finish(f) == 42);
    CHECK(ex.stats().n_threads >= 1);
}

TEST_CASE("executor: signals of the process do not reach its threads", "[executor]")
{
    struct local {
        static int read_mask(void *data)
        {
            return -pthread_sigmask(SIG_BLOCK, nullptr, static_cast<sigset_t *>(data));
        }
    };
    sigset_t mask;
    made_executor ex(options_for(0, 1));
    sigemptyset(&mask);
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, local::read_mask, &mask, &f) == 0);
    REQUIRE(finish(f) == 0);
    for (int s : { SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGPIPE, SIGRTMIN }) {
        CHECK(sigismember(&mask, s) == 1);
    }
    for (int s : { SIGSEGV, SIGBUS, SIGFPE, SIGILL }) {
        CHECK(sigismember(&mask, s) == 0);
    }
}

/* ---- the limit ----------------------------------------------------------- */

TEST_CASE("executor: a full queue refuses and names itself (R11)", "[executor][limit]")
{
    door gate;
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 2, 3));
    weft_concurrent_future *const untouched = reinterpret_cast<weft_concurrent_future *>(16);
    weft_concurrent_future *f = untouched;
    for (int i = 0; i < 5; i++) {
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    }
    for (int i = 0; i < 1000; i++) {
        REQUIRE(weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f) ==
                WEFT_EQUEUEFULL);
    }
    CHECK(f == untouched);
    CHECK(n_destroyed == 1000);
    CHECK(message_of(WEFT_EQUEUEFULL) == "the queue of executor 'test' is full: 3 jobs wait");
    gate.wait_for(2);
    CHECK(ex.stats().n_queued == 3);
    CHECK(ex.stats().n_rejected == 1000);
    gate.open();
}

TEST_CASE("executor: a job for which a thread is free does not count against the limit",
          "[executor][limit]")
{
    door gate;
    made_executor ex(options_for(0, 1, 1));
    /* The thread has hardly begun to exist when the second one comes. */
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    REQUIRE(weft_executor_submit(ex, answer, nullptr, nullptr) == 0);
    CHECK(weft_executor_submit(ex, answer, nullptr, nullptr) == WEFT_EQUEUEFULL);
    weft_raise(nullptr);
    gate.open();
}

TEST_CASE("executor: a submit may wait for room, in the order of coming", "[executor][limit]")
{
    door gate;
    diary book;
    std::vector<entry> entries = { { &book, 0 }, { &book, 1 }, { &book, 2 }, { &book, 3 } };
    made_executor ex(options_for(0, 1, 1, WEFT_EXECUTOR_WAIT));
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit(ex, write_down, &entries[0], nullptr) == 0);

    int codes[4] = { 0, 1, 1, 1 };
    std::vector<std::thread> submitters;
    for (int i = 1; i < 4; i++) {
        submitters.emplace_back([&, i] {
            weft_concurrent_future *f = nullptr;
            codes[i] = weft_executor_submit(ex, write_down, &entries[i], &f);
            if (codes[i] == 0) {
                codes[i] = static_cast<int>(finish(f));
            }
        });
        while (ex.stats().n_waiting < static_cast<size_t>(i)) {
            std::this_thread::yield();
        }
    }
    CHECK(ex.stats().n_queued == 1);
    gate.open();
    for (std::thread &submitter : submitters) {
        submitter.join();
    }
    CHECK(codes[1] + codes[2] + codes[3] == 0);
    CHECK(book.numbers == std::vector<int>{ 0, 1, 2, 3 });
    CHECK(ex.stats().n_rejected == 0);
}

namespace
{

struct nested {
    weft_executor *ex;
    int submit_code;
    int result_code;
};

int submit_inside(void *data)
{
    nested *n = static_cast<nested *>(data);
    weft_concurrent_future *f = nullptr;
    n->submit_code = weft_executor_submit(n->ex, answer, nullptr, &f);
    if (n->submit_code == 0) {
        n->result_code = weft_concurrent_future_result(f, WEFT_FOREVER, nullptr);
        weft_concurrent_future_unref(f);
    }
    return 0;
}

} // namespace

TEST_CASE("executor: a job that waits for one behind it is refused (R11)", "[executor]")
{
    made_executor ex(options_for(0, 1, 0));
    nested n = { ex, 1, 1 };
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, submit_inside, &n, &f) == 0);
    CHECK(finish(f) == 0);
    CHECK(n.submit_code == 0);
    CHECK(n.result_code == WEFT_EDEADLOCK);
}

TEST_CASE("executor: a job that waits for room in its own queue is refused", "[executor][limit]")
{
    door gate;
    made_executor ex(options_for(0, 1, 1, WEFT_EXECUTOR_WAIT));
    nested n = { ex, 1, 1 };
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit(ex, submit_inside, &n, &f) == 0);
    std::thread filler([&] {
        /* Takes the one place as soon as the job above has left it. */
        (void)weft_executor_submit(ex, answer, nullptr, nullptr);
    });
    while (ex.stats().n_waiting < 1) {
        std::this_thread::yield();
    }
    gate.open();
    CHECK(finish(f) == 0);
    filler.join();
    CHECK(n.submit_code == WEFT_EDEADLOCK);
}

TEST_CASE("executor: a loop's thread never blocks for room", "[executor][limit]")
{
    door gate;
    made_executor ex(options_for(0, 1, 1, WEFT_EXECUTOR_WAIT));
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    REQUIRE(weft_executor_submit(ex, answer, nullptr, nullptr) == 0);
    wf_thread_runs_loop = true;
    int code = weft_executor_submit(ex, answer, nullptr, nullptr);
    wf_thread_runs_loop = false;
    CHECK(code == WEFT_EQUEUEFULL);
    weft_raise(nullptr);
    gate.open();
}

namespace
{

void deliver_nothing(wf_post *)
{
}

struct mailbox_of_test {
    wf_mailbox box;
    mailbox_of_test()
    {
        REQUIRE(wf_mailbox_init(&box) == 0);
    }
    ~mailbox_of_test()
    {
        (void)wf_mailbox_close(&box);
        wf_mailbox_fini(&box);
    }
    wf_space_waiter space_waiter()
    {
        wf_space_waiter waiter = {};
        waiter.post.deliver = deliver_nothing;
        waiter.mailbox = &box;
        return waiter;
    }
    wf_end_waiter end_waiter()
    {
        wf_end_waiter waiter = {};
        waiter.post.deliver = deliver_nothing;
        waiter.mailbox = &box;
        return waiter;
    }
    wf_post *take_one()
    {
        wf_post *post;
        while ((post = wf_mailbox_take(&box)) == nullptr) {
            std::this_thread::yield();
        }
        return post;
    }
};

} // namespace

TEST_CASE("executor: room is announced in a mailbox, and the job keeps its place",
          "[executor][limit]")
{
    mailbox_of_test m;
    door gate;
    std::atomic<int> n{ 0 };
    made_executor ex(options_for(0, 1, 1, WEFT_EXECUTOR_WAIT));
    weft_concurrent_future *queued = nullptr;
    weft_concurrent_future *waiting = nullptr;
    wf_space_waiter waiter = m.space_waiter();
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &queued) == 0);
    CHECK(wf_executor_submit(nullptr, ex, count, &n, nullptr, nullptr, nullptr, &waiting) ==
          WEFT_EQUEUEFULL);
    weft_raise(nullptr);
    REQUIRE(wf_executor_submit(nullptr, ex, count, &n, nullptr, &waiter, nullptr, &waiting) ==
            WF_EXECUTOR_WAITS);
    CHECK(ex.stats().n_waiting == 1);

    SECTION("when the one in front of it starts")
    {
        gate.open();
        CHECK(m.take_one() == &waiter.post);
        CHECK_FALSE(wf_executor_forget_space(ex, &waiter));
        CHECK(finish(waiting) == 0);
        CHECK(n == 1);
    }
    SECTION("when the one in front of it is cancelled")
    {
        REQUIRE(weft_concurrent_future_cancel(queued) == 0);
        CHECK(wf_mailbox_take(&m.box) == &waiter.post);
        CHECK(ex.stats().n_queued == 1);
        gate.open();
        CHECK(finish(waiting) == 0);
    }
    SECTION("when it is cancelled itself")
    {
        REQUIRE(weft_concurrent_future_cancel(waiting) == 0);
        CHECK(wf_mailbox_take(&m.box) == &waiter.post);
        CHECK(finish(waiting) == WEFT_ECANCELED);
        CHECK(ex.stats().n_waiting == 0);
        gate.open();
    }
    SECTION("but not to one who does not want to know any more")
    {
        CHECK(wf_executor_forget_space(ex, &waiter));
        gate.open();
        CHECK(finish(waiting) == 0);
        CHECK(wf_mailbox_take(&m.box) == nullptr);
    }
    SECTION("when a shutdown drops it")
    {
        weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        options.wait = false;
        options.cancel_queued = true;
        REQUIRE(weft_executor_shutdown(ex, &options) == 0);
        CHECK(wf_mailbox_take(&m.box) == &waiter.post);
        CHECK(finish(waiting) == WEFT_ECANCELED);
        gate.open();
    }
    weft_concurrent_future_unref(queued);
}

/* ---- cancelling ---------------------------------------------------------- */

TEST_CASE("executor: a queued job that is cancelled leaves at once", "[executor][cancel]")
{
    door gate;
    std::atomic<int> n_run{ 0 };
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    weft_concurrent_future *behind = nullptr;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f) == 0);
    REQUIRE(weft_executor_submit(ex, count, &n_run, &behind) == 0);
    REQUIRE(weft_concurrent_future_cancel(f) == 0);
    CHECK(n_destroyed == 1);
    CHECK(ex.stats().n_queued == 1);
    CHECK(ex.stats().n_cancelled == 1);
    CHECK(weft_concurrent_future_cancel(f) == 0);
    CHECK(finish(f) == WEFT_ECANCELED);
    gate.open();
    CHECK(finish(behind) == 0);
    CHECK(n_destroyed == 1);
    CHECK(n_run == 1);
}

TEST_CASE("executor: a running job is not stopped, but may be abandoned", "[executor][cancel]")
{
    door gate;
    made_executor ex(options_for(0, 2));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, &f) == 0);
    gate.wait_for(1);
    CHECK(weft_concurrent_future_running(f));
    CHECK(weft_concurrent_future_cancel(f) == WEFT_EINVALIDSTATE);
    CHECK(weft_concurrent_future_result(f, WEFT_US(10), nullptr) == WEFT_ETIMEDOUT);

    weft_executor_job jobs[4];
    REQUIRE(weft_executor_get_running(ex, jobs, 4) == 1);
    CHECK(std::string(jobs[0].origin->what) == "pass_door");
    CHECK(jobs[0].fn == pass_door);
    CHECK(std::string(jobs[0].thread) == "test-0");
    CHECK_FALSE(jobs[0].is_abandoned);
    CHECK(jobs[0].age >= 0);
    CHECK(weft_executor_get_running(ex, nullptr, 0) == 1);

    wf_executor_abandon(f);
    CHECK(ex.stats().n_abandoned == 1);
    REQUIRE(weft_executor_get_running(ex, jobs, 4) == 1);
    CHECK(jobs[0].is_abandoned);
    gate.open();
    CHECK(finish(f) == 0);
    CHECK(ex.stats().n_abandoned == 0);
    CHECK(ex.stats().n_ended_abandoned == 1);
    CHECK(weft_executor_get_running(nullptr, nullptr, 0) == 0);
}

TEST_CASE("executor: an outcome from elsewhere keeps a queued job from running", "[executor]")
{
    door gate;
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    weft_concurrent_future *behind = nullptr;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f) == 0);
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &behind) == 0);
    REQUIRE(weft_concurrent_future_set_result(f, weft_value_int(5)) == 0);
    gate.open();
    CHECK(finish(behind) == 42);
    CHECK(finish(f) == 5);
    CHECK(n_destroyed == 1);
}

/* ---- shutting down ------------------------------------------------------- */

namespace
{

/* Jobs that note their order, behind one that holds the only thread. */
struct noted_order {
    std::mutex mutex;
    std::string order;
};

struct noted_job {
    noted_order *noted;
    char name;
};

int note_name(void *data)
{
    auto *job = static_cast<noted_job *>(data);
    std::lock_guard<std::mutex> lock(job->noted->mutex);
    job->noted->order += job->name;
    return 0;
}

} // namespace

TEST_CASE("executor: higher priority passes those that wait, in the order of submit",
          "[executor][priority]")
{
    noted_order noted;
    noted_job jobs[] = { { &noted, 'l' }, { &noted, 'n' }, { &noted, 'h' },
                         { &noted, 'L' }, { &noted, 'N' }, { &noted, 'H' } };
    {
        door gate;
        made_executor ex(options_for(1, 1));
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
        gate.wait_for(1);
        for (int i = 0; i < 6; i++) {
            weft_job_options options = WEFT_JOB_OPTIONS_INIT;
            options.priority = static_cast<weft_job_priority>(i % 3 - 1);
            REQUIRE(weft_executor_submit_as(ex, note_name, &jobs[i], &options, nullptr) == 0);
        }
        CHECK(ex.stats().n_queued == 6);
        gate.open();
    }
    CHECK(noted.order == "hHnNlL");
}

TEST_CASE("executor: low priority is passed seven times and no more", "[executor][priority]")
{
    noted_order noted;
    noted_job low = { &noted, 'l' };
    noted_job high = { &noted, 'h' };
    {
        door gate;
        made_executor ex(options_for(1, 1));
        weft_job_options options = WEFT_JOB_OPTIONS_INIT;
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
        gate.wait_for(1);
        options.priority = WEFT_JOB_LOW;
        REQUIRE(weft_executor_submit_as(ex, note_name, &low, &options, nullptr) == 0);
        options.priority = WEFT_JOB_HIGH;
        for (int i = 0; i < 10; i++) {
            REQUIRE(weft_executor_submit_as(ex, note_name, &high, &options, nullptr) == 0);
        }
        gate.open();
    }
    CHECK(noted.order == "hhhhhhhlhhh");
}

TEST_CASE("executor: what a job is like is checked", "[executor][priority][misuse]")
{
    made_executor ex(options_for(1, 1));
    std::atomic<int> n_destroyed{ 0 };
    weft_job_options options = WEFT_JOB_OPTIONS_INIT;
    options.destroy = count_destroy;
    options.priority = static_cast<weft_job_priority>(2);
    CHECK(weft_executor_submit_as(ex, count, &n_destroyed, &options, nullptr) == WEFT_EINVAL);
    CHECK(n_destroyed == 1);
    CHECK(weft_job_wait_stop(0) == WEFT_ERUNTIME);
    CHECK_FALSE(weft_job_should_stop());
    weft_raise(nullptr);
}

namespace
{

struct stoppable {
    door begun;
    int before = -1;
    int early = 0;
    int code = 0;
    int after = -1;
};

int work_until_stopped(void *data)
{
    auto *s = static_cast<stoppable *>(data);
    s->before = weft_job_should_stop();
    s->early = weft_job_wait_stop(0);
    s->begun.open();
    s->code = weft_job_wait_stop(WEFT_FOREVER);
    s->after = weft_job_should_stop();
    return 0;
}

} // namespace

TEST_CASE("executor: an abandoned job hears that it should stop", "[executor][stop]")
{
    stoppable s;
    made_executor ex(options_for(1, 1));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, work_until_stopped, &s, &f) == 0);
    s.begun.pass();
    wf_executor_abandon(f);
    CHECK(finish(f) == 0);
    CHECK(s.before == 0);
    CHECK(s.early == WEFT_ETIMEDOUT);
    CHECK(s.code == 0);
    CHECK(s.after == 1);
}

TEST_CASE("executor: a shutdown asks those who run to stop, at once or when its time is up",
          "[executor][stop][shutdown]")
{
    log_recorder log;
    stoppable s[2];
    made_executor ex(options_for(2, 2));
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    for (stoppable &one : s) {
        REQUIRE(weft_executor_submit(ex, work_until_stopped, &one, nullptr) == 0);
        one.begun.pass();
    }
    SECTION("at once")
    {
        options.stop_running = true;
        CHECK(weft_executor_shutdown(ex, &options) == 0);
        CHECK(log.records().empty());
    }
    SECTION("when its time is up")
    {
        options.timeout = WEFT_MS(1);
        CHECK(weft_executor_shutdown(ex, &options) == WEFT_ETIMEDOUT);
        std::string text = message_of(WEFT_ETIMEDOUT);
        CHECK(text.find(
                  "executor 'test': 2 jobs still run and 0 wait: 'work_until_stopped' from ") == 0);
        CHECK(text.find("test_executor.cpp") != std::string::npos);
        CHECK(text.find("on test-0 for ") != std::string::npos);
        CHECK(text.find("on test-1 for ") != std::string::npos);
        CHECK(log.count(WEFT_REPORT_SHUTDOWN_SURVIVOR) == 2);
        CHECK(weft_executor_shutdown(ex, nullptr) == 0);
    }
    CHECK(s[0].code == 0);
    CHECK(s[1].after == 1);
    weft_raise(nullptr);
}

TEST_CASE("executor: a job that runs long is named, once", "[executor][long]")
{
    log_recorder log;
    {
        weft_executor_options options = options_for(1, 1);
        options.long_job = 1; /* any tick is longer */
        options.exact_times = true;
        made_executor ex(options);
        weft_concurrent_future *f = nullptr;
        REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0);
        CHECK(finish(f) == 42);
        REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
        CHECK(ex.stats().n_long == 1);
    }
    CHECK(log.records().size() == 1);
    CHECK(log.has("job answer from "));
    CHECK(log.has(" ms on test-0"));
}

TEST_CASE("executor: waits and runs are measured", "[executor][stats]")
{
    weft_executor_options options = options_for(0, 1);
    options.exact_times = true;
    door gate;
    made_executor ex(options);
    for (int i = 0; i < 3; i++) {
        REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    }
    gate.wait_for(1);
    gate.open();
    REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
    weft_executor_stats stats = ex.stats();
    CHECK(stats.n_threads_made == 1);
    CHECK(stats.wait.n == 3);
    CHECK(stats.run.n == 3);
    CHECK(stats.run.sum > 0);
    CHECK(stats.run.max <= stats.run.sum);
    CHECK(weft_histogram_get_quantile(&stats.run, 1) == stats.run.max);
    CHECK(weft_histogram_get_quantile(&stats.run, 0) <= stats.run.max);
}

TEST_CASE("executor: a histogram's buckets are near enough", "[executor][stats]")
{
    weft_duration before = 0;
    for (size_t i = 0; i + 1 < WEFT_HISTOGRAM_BUCKETS; i++) {
        weft_duration limit = weft_histogram_get_limit(i);
        weft_histogram below = {};
        weft_histogram at = {};
        wf_histogram_add(&below, limit - 1);
        wf_histogram_add(&at, limit);
        CHECK(below.buckets[i] == 1);
        CHECK(at.buckets[i + 1] == 1);
        CHECK((i == 0 || limit * 4 <= before * 5));
        before = limit;
    }
    CHECK(weft_histogram_get_limit(WEFT_HISTOGRAM_BUCKETS - 1) == WEFT_FOREVER);
    weft_histogram h = {};
    CHECK(weft_histogram_get_quantile(&h, 0.5) == 0);
    CHECK(weft_histogram_get_quantile(nullptr, 0.5) == 0);
    for (int ms = 1; ms <= 100; ms++) {
        wf_histogram_add(&h, WEFT_MS(ms));
    }
    wf_histogram_add(&h, WEFT_S(3600));
    wf_histogram_add(&h, -1);
    CHECK(h.n == 102);
    CHECK(weft_histogram_get_quantile(&h, 0.5) >= WEFT_MS(49));
    CHECK(weft_histogram_get_quantile(&h, 0.5) <= WEFT_MS(62));
    CHECK(weft_histogram_get_quantile(&h, 1) == WEFT_S(3600));
}

TEST_CASE("executor: the end of the process does not wait for jobs", "[executor][exit]")
{
    /* Reachable to the end, so no leak; and not destroyed while a thread waits there. */
    static made_executor *leftover;
    static door *never;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        never = new door;
        leftover = new made_executor(options_for(1, 1));
        weft_executor_submit(*leftover, pass_door, never, nullptr);
        weft_executor_submit(*leftover, pass_door, never, nullptr);
        never->wait_for(1);
        exit(7); /* as a return from main */
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("executor: shutdown lets what is queued run", "[executor][shutdown]")
{
    std::atomic<int> n{ 0 };
    made_executor ex(options_for(0, 2));
    for (int i = 0; i < 100; i++) {
        REQUIRE(weft_executor_submit(ex, count, &n, nullptr) == 0);
    }
    REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
    CHECK(n == 100);
    CHECK(ex.stats().n_threads == 0);
    CHECK(weft_executor_submit(ex, count, &n, nullptr) == WEFT_ESHUTDOWN);
    CHECK(message_of(WEFT_ESHUTDOWN) == "cannot schedule new futures after shutdown");
    CHECK(weft_executor_shutdown(ex, nullptr) == 0);
}

TEST_CASE("executor: shutdown may cancel what is queued, also the second time",
          "[executor][shutdown]")
{
    door gate;
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f) == 0);

    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    options.wait = false;
    REQUIRE(weft_executor_shutdown(ex, &options) == 0);
    CHECK_FALSE(weft_concurrent_future_done(f));
    options.cancel_queued = true;
    REQUIRE(weft_executor_shutdown(ex, &options) == 0);
    CHECK(n_destroyed == 1);
    CHECK(finish(f) == WEFT_ECANCELED);
    CHECK(ex.stats().n_cancelled == 1);
    gate.open();
}

TEST_CASE("executor: a shutdown with a limit names who is stuck", "[executor][shutdown]")
{
    door gate;
    made_executor ex(options_for(0, 1));
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    options.timeout = WEFT_MS(1);
    CHECK(weft_executor_shutdown(ex, &options) == WEFT_ETIMEDOUT);
    std::string message = message_of(WEFT_ETIMEDOUT);
    CHECK(message.find("executor 'test': 1 jobs still run and 0 wait: 'pass_door' from ") == 0);
    CHECK(message.find("test_executor.cpp:") != std::string::npos);
    CHECK(message.find("on test-0 for") != std::string::npos);
    gate.open();
    CHECK(weft_executor_shutdown(ex, nullptr) == 0);
}

TEST_CASE("executor: waiting for the end where it cannot come is refused", "[executor][shutdown]")
{
    struct local {
        static int shut_own(void *data)
        {
            return weft_executor_shutdown(static_cast<weft_executor *>(data), nullptr);
        }
    };
    made_executor ex(options_for(0, 1));
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, local::shut_own, ex.ex, &f) == 0);
    CHECK(finish(f) == WEFT_EDEADLOCK);
    wf_thread_runs_loop = true;
    CHECK(weft_executor_shutdown(ex, nullptr) == WEFT_EDEADLOCK);
    wf_thread_runs_loop = false;
    weft_raise(nullptr);
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0); /* nothing was changed */
    CHECK(finish(f) == 42);
}

TEST_CASE("executor: the end is announced in a mailbox", "[executor][shutdown]")
{
    mailbox_of_test m;
    door gate;
    made_executor ex(options_for(0, 2));
    wf_end_waiter first = m.end_waiter();
    wf_end_waiter second = m.end_waiter();
    wf_end_waiter late = m.end_waiter();
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(wf_executor_shutdown_start(ex, false, &first) == 0);
    REQUIRE(wf_executor_shutdown_start(ex, false, &second) == 0);
    CHECK(wf_mailbox_take(&m.box) == nullptr);
    CHECK(wf_executor_forget_end(ex, &second));
    gate.open();
    CHECK(m.take_one() == &first.post);
    CHECK_FALSE(wf_executor_forget_end(ex, &first));
    REQUIRE(wf_executor_shutdown_start(ex, true, &late) == 0);
    CHECK(wf_mailbox_take(&m.box) == &late.post);
}

TEST_CASE("executor: a submit that waits for room is woken by a shutdown that drops it",
          "[executor][shutdown][limit]")
{
    door gate;
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 1, 1, WEFT_EXECUTOR_WAIT));
    int code = 1;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    REQUIRE(weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, nullptr) == 0);
    std::thread submitter([&] {
        weft_concurrent_future *f = nullptr;
        code = weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f);
    });
    while (ex.stats().n_waiting == 0) {
        std::this_thread::yield();
    }
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    options.wait = false;
    options.cancel_queued = true;
    REQUIRE(weft_executor_shutdown(ex, &options) == 0);
    submitter.join();
    CHECK(code == WEFT_ESHUTDOWN);
    CHECK(n_destroyed == 2);
    gate.open();
}

TEST_CASE("executor: the last reference lets queued jobs run and the threads end",
          "[executor][shutdown]")
{
    wf_alloc_count_blocks(true);
    std::atomic<int> n{ 0 };
    weft_executor *ex = nullptr;
    weft_executor_options options = options_for(0, 2);
    REQUIRE(weft_executor_create(&options, &ex) == 0);
    CHECK(weft_executor_ref(ex) == ex);
    weft_concurrent_future *last = nullptr;
    for (int i = 0; i < 20; i++) {
        last = weft_concurrent_future_unref(last);
        REQUIRE(weft_executor_submit(ex, count, &n, &last) == 0);
    }
    CHECK(weft_executor_unref(ex) == nullptr);
    CHECK(weft_executor_unref(ex) == nullptr);
    CHECK(finish(last) == 0);
    while (wf_alloc_n_blocks() > 0) { /* the last thread frees it */
        std::this_thread::yield();
    }
    CHECK(n == 20);
    wf_alloc_count_blocks(false);
}

TEST_CASE("executor: a job may drop the last reference", "[executor][shutdown]")
{
    struct local {
        static int drop(void *data)
        {
            (void)weft_executor_unref(static_cast<weft_executor *>(data));
            return 0;
        }
    };
    weft_executor *ex = nullptr;
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_create(nullptr, &ex) == 0);
    REQUIRE(weft_executor_submit(ex, local::drop, ex, &f) == 0);
    CHECK(finish(f) == 0);
}

/* ---- refusals and lacks -------------------------------------------------- */

TEST_CASE("executor: options are checked", "[executor][misuse]")
{
    weft_executor *const untouched = reinterpret_cast<weft_executor *>(16);
    weft_executor *ex = untouched;
    weft_executor_options options = options_for(3, 2);
    CHECK(weft_executor_create(&options, &ex) == WEFT_EINVAL);
    options = options_for(0, 4097);
    CHECK(weft_executor_create(&options, &ex) == WEFT_EINVAL);
    options = options_for(0, 1);
    options.size = 1;
    CHECK(weft_executor_create(&options, &ex) == WEFT_EINVAL);
    options = options_for(0, 1);
    options.idle_exit = -1;
    CHECK(weft_executor_create(&options, &ex) == WEFT_EINVAL);
    CHECK(ex == untouched);
    weft_raise(nullptr);
}

TEST_CASE("executor: names are cut to what a thread's name can hold", "[executor]")
{
    weft_executor_options options = options_for(0, 1);
    options.name = "a-name-that-is-far-too-long";
    door gate;
    made_executor ex(options);
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    weft_executor_job job;
    REQUIRE(weft_executor_get_running(ex, &job, 1) == 1);
    CHECK(std::string(job.thread) == "a-name-that-i-0");
    CHECK(std::string(weft_executor_get_name(ex)) == "a-name-that-i");
    gate.open();
}

TEST_CASE("executor: misuse is refused and reported", "[executor][misuse]")
{
    log_recorder log;
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 1));
    weft_executor_stats stats = {};
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    options.timeout = -1;
    CHECK(weft_executor_create(nullptr, nullptr) == WEFT_EINVAL);
    CHECK(weft_executor_submit_with(nullptr, count, &n_destroyed, count_destroy, nullptr) ==
          WEFT_EINVAL);
    CHECK(weft_executor_submit_with(ex, nullptr, &n_destroyed, count_destroy, nullptr) ==
          WEFT_EINVAL);
    CHECK(n_destroyed == 2);
    CHECK(log.count(WEFT_REPORT_MISUSE) == 3);
    CHECK(weft_executor_get_stats(ex, &stats) == WEFT_EINVAL);
    CHECK(weft_executor_get_stats(ex, nullptr) == WEFT_EINVAL);
    CHECK(weft_executor_shutdown(ex, &options) == WEFT_EINVAL);
    CHECK(weft_executor_ref(nullptr) == nullptr);
    CHECK(weft_executor_unref(nullptr) == nullptr);
    CHECK(std::string(weft_executor_get_name(nullptr)).empty());
    weft_raise(nullptr);
}

TEST_CASE("executor: a forked child is told that it has no threads (R39)", "[executor][fork]")
{
    made_executor ex(options_for(1, 1));
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::atomic<int> n_destroyed{ 0 };
        weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;
        int n_wrong = 0;
        n_wrong += weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, nullptr) !=
                   WEFT_EFORKED;
        n_wrong += n_destroyed != 1;
        n_wrong += weft_executor_get_stats(ex, &stats) != WEFT_EFORKED;
        n_wrong += weft_executor_shutdown(ex, nullptr) != WEFT_EFORKED;
        n_wrong += weft_executor_unref(ex) != nullptr;
        _exit(n_wrong);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(ex, answer, nullptr, &f) == 0);
    CHECK(finish(f) == 42);
}

TEST_CASE("executor: without memory or threads (R12)", "[executor][oom]")
{
    weft_executor *const untouched = reinterpret_cast<weft_executor *>(16);
    int n_failed = sweep_out_of_memory(
        [&] {
            weft_executor *ex = untouched;
            weft_executor_options options = options_for(1, 2);
            int r = weft_executor_create(&options, &ex);
            if (r < 0) {
                CHECK(ex == untouched);
                return r;
            }
            std::atomic<int> n_used{ 0 }; /* arguments: by a run or by the destructor */
            int n_submits = 0;
            int code = 0;
            while (n_submits < 3 && code == 0) {
                weft_concurrent_future *f = nullptr;
                code = weft_executor_submit_with(ex, count, &n_used, count_destroy, &f);
                CHECK((code == 0) == (f != nullptr));
                weft_concurrent_future_unref(f);
                n_submits++;
            }
            CHECK(weft_executor_shutdown(ex, nullptr) == 0);
            CHECK(n_used == n_submits);
            weft_executor_unref(ex);
            return code;
        },
        { -EAGAIN });
    CHECK(n_failed >= 5);
}

TEST_CASE("executor: when no thread can be made the submit says so, and no job is lost (R12)",
          "[executor][oom]")
{
    std::atomic<int> n_run{ 0 };
    std::atomic<int> n_destroyed{ 0 };
    made_executor ex(options_for(0, 4));
    weft_concurrent_future *f = nullptr;

    wf_alloc_fail_after(2); /* the job, the place; the thread fails */
    int code = weft_executor_submit_with(ex, count, &n_destroyed, count_destroy, &f);
    wf_alloc_fail_after(-1);
    CHECK(code == -EAGAIN);
    CHECK(n_destroyed == 1);
    CHECK(f == nullptr);
    CHECK(ex.stats().n_threads == 0);
    CHECK(ex.stats().n_queued == 0);

    /* With one thread, the others' failure only means less company. */
    door gate;
    REQUIRE(weft_executor_submit(ex, pass_door, &gate, nullptr) == 0);
    gate.wait_for(1);
    for (int i = 0; i < 100; i++) {
        wf_alloc_fail_after(1); /* the job succeeds, nothing else */
        code = weft_executor_submit(ex, count, &n_run, nullptr);
        wf_alloc_fail_after(-1);
        REQUIRE(code == 0);
    }
    CHECK(ex.stats().n_threads == 1);
    gate.open();
    REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
    CHECK(n_run == 100);
    weft_raise(nullptr);
}
