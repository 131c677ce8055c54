// A signal that writes a dump to the log.
#include <catch2/catch.hpp>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "weft/inspect.h"
#include "weft/log.h"
}

namespace
{

/* What came of the logger weft.dump. */
struct recorder {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> lines;
    int n_dumps = 0;

    static void take(const weft_log_record *record, void *data)
    {
        auto *self = static_cast<recorder *>(data);
        std::lock_guard<std::mutex> lock(self->mutex);
        if (std::string(record->logger) == "weft.dump" && record->level == WEFT_LOG_INFO) {
            self->lines.push_back(record->message);
            self->n_dumps += self->lines.back().find("weft " WEFT_VERSION) == 0;
            self->changed.notify_all();
        }
    }

    bool wait_for(int n)
    {
        std::unique_lock<std::mutex> lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(50), [&] { return n_dumps >= n; });
    }
};

recorder &the_recorder()
{
    static auto *one = new recorder; /* for ever: the thread may be inside the sink */
    return *one;
}

void (*handler_of(int signum))(int)
{
    struct sigaction action;
    sigaction(signum, nullptr, &action);
    return action.sa_handler;
}

void mine(int)
{
}

} // namespace

TEST_CASE("on_signal: a signal writes a dump to the log, whatever its level", "[inspect]")
{
    recorder &seen = the_recorder();
    int before = seen.n_dumps;

    weft_log_set_sink(recorder::take, &seen);
    weft_log_set_level(WEFT_LOG_CRITICAL);
    REQUIRE(weft_dump_on_signal(SIGQUIT) == 0);
    REQUIRE(weft_dump_on_signal(SIGQUIT) == 0);
    raise(SIGQUIT);
    CHECK(seen.wait_for(before + 1));
    raise(SIGQUIT);
    CHECK(seen.wait_for(before + 2));

    /* Another signal: the first one does again what it did. */
    REQUIRE(weft_dump_on_signal(SIGUSR2) == 0);
    CHECK(handler_of(SIGQUIT) == SIG_DFL);
    raise(SIGUSR2);
    CHECK(seen.wait_for(before + 3));
    REQUIRE(weft_dump_on_signal(0) == 0);
    REQUIRE(weft_dump_on_signal(0) == 0);
    CHECK(handler_of(SIGUSR2) == SIG_DFL);
    weft_log_set_level(WEFT_LOG_INFO);
    weft_log_set_sink(nullptr, nullptr);
}

TEST_CASE("on_signal: signals that are taken or cannot be are refused", "[inspect]")
{
    for (int signum : { -1, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, 100 }) {
        CHECK(weft_dump_on_signal(signum) == WEFT_EINVAL);
    }
    signal(SIGUSR1, mine);
    CHECK(weft_dump_on_signal(SIGUSR1) == -EBUSY);
    CHECK(handler_of(SIGUSR1) == mine);
    signal(SIGUSR1, SIG_DFL);
    REQUIRE(weft_dump_on_signal(SIGUSR1) == 0);
    signal(SIGUSR1, mine); /* the program changes its mind: that stays */
    CHECK(weft_dump_on_signal(0) == 0);
    CHECK(handler_of(SIGUSR1) == mine);
    signal(SIGUSR1, SIG_DFL);
}
