/* The sink, the reports and the refusal of misuse. */
#include <catch2/catch.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/log.h"

extern "C" {
#include "base/log.h"
}

namespace
{

void count_record(const weft_log_record *record, void *data)
{
    (void)record;
    (*static_cast<std::atomic<int> *>(data))++;
}

/* What <body> writes to standard error. */
template <typename Body> std::string captured_stderr(Body body)
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    body();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    std::string text;
    char buffer[4096];
    ssize_t n;
    while ((n = read(ends[0], buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<size_t>(n));
    }
    close(ends[0]);
    return text;
}

} // namespace

TEST_CASE("log: names of levels and reports", "[log]")
{
    CHECK(std::string(weft_log_level_name(WEFT_LOG_WARNING)) == "WARNING");
    CHECK(std::string(weft_log_level_name(static_cast<weft_log_level>(11))) == "NOTSET");
    CHECK(std::string(weft_report_kind_name(WEFT_REPORT_NEVER_AWAITED)) == "never-awaited");
    CHECK(std::string(weft_report_kind_name(static_cast<weft_report_kind>(1000))) == "unknown");
}

TEST_CASE("log: the default sink writes one line to standard error", "[log]")
{
    std::string text = captured_stderr([] {
        weft_log(WEFT_LOG_WARNING, "app", "%d apples", 3);
        weft_log(WEFT_LOG_ERROR, nullptr, "%s", std::string(5000, 'x').c_str());
    });
    CHECK(text.find("app: WARNING: 3 apples\n") == 0);
    CHECK(text.find("weft: ERROR: xxx") != std::string::npos);
    CHECK(text.size() == strlen("app: WARNING: 3 apples\n") + strlen("weft: ERROR: \n") + 1023);
}

TEST_CASE("log: what lies below the level is dropped", "[log]")
{
    log_recorder log;
    CHECK(weft_log_get_level() == WEFT_LOG_INFO);
    weft_log(WEFT_LOG_DEBUG, "app", "hidden");
    CHECK(log.records().empty());
    weft_log_set_level(WEFT_LOG_DEBUG);
    weft_log(WEFT_LOG_DEBUG, "app", "shown");
    weft_log_set_level(WEFT_LOG_ERROR);
    weft_report report = WEFT_REPORT_INIT;
    report.kind = WEFT_REPORT_SLOW_CALLBACK; /* a warning */
    report.message = "hidden too";
    wf_report(&report);
    weft_log_set_level(WEFT_LOG_INFO);
    REQUIRE(log.records().size() == 1);
    CHECK(log.records()[0].message == "shown");
    CHECK(log.records()[0].level == WEFT_LOG_DEBUG);
    CHECK_FALSE(log.records()[0].is_report);
}

TEST_CASE("log: a report says what, which object, where it was made and the trace", "[log]")
{
    log_recorder log;
    static const weft_origin place = { "serve", "app.c", 12, "handle" };
    (void)weft_fail_at(&place, WEFT_EUSER(1), "no more tea");
    weft_report report = WEFT_REPORT_INIT;
    report.kind = WEFT_REPORT_CALLBACK_EXCEPTION;
    report.message = "Exception in callback";
    report.object = "<Handle serve>";
    report.origin = &place;
    report.error = weft_current_error();
    report.code = WEFT_EUSER(1);
    wf_report(&report);
    weft_raise(nullptr);

    report.error = nullptr;
    wf_report(&report);

    REQUIRE(log.records().size() == 2);
    CHECK(log.records()[0].message == "Exception in callback\n"
                                      "  object: <Handle serve>\n"
                                      "  created at: serve (app.c:12)\n"
                                      "EUSER(1): no more tea\n"
                                      "  at serve (app.c:12)");
    CHECK(log.records()[0].level == WEFT_LOG_ERROR);
    CHECK(log.records()[0].kind == WEFT_REPORT_CALLBACK_EXCEPTION);
    CHECK(log.records()[1].message == "Exception in callback\n"
                                      "  object: <Handle serve>\n"
                                      "  created at: serve (app.c:12)\n"
                                      "EUSER(1): application error 1");
}

TEST_CASE("log: a report that is too long is cut", "[log]")
{
    log_recorder log;
    std::string huge(20000, 'y');
    weft_report report = WEFT_REPORT_INIT;
    report.message = huge.c_str();
    report.object = huge.c_str();
    report.code = WEFT_ENOMEM;
    wf_report(&report);
    REQUIRE(log.records().size() == 1);
    CHECK(log.records()[0].message == std::string(8191, 'y'));
}

TEST_CASE("log: misuse is reported, explained and returned", "[log][misuse]")
{
    log_recorder log;
    CHECK(wf_misuse(WEFT_REPORT_WRONG_THREAD, WEFT_EWRONGTHREAD, "not on %s", "this thread") ==
          WEFT_EWRONGTHREAD);
    CHECK(log.count(WEFT_REPORT_WRONG_THREAD) == 1);
    CHECK(std::string(weft_current_message(WEFT_EWRONGTHREAD)) == "not on this thread");
    weft_raise(nullptr);
}

TEST_CASE("log: WEFT_MISUSE=abort makes misuse fatal", "[log][misuse]")
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        setenv("WEFT_MISUSE", "abort", 1);
        std::signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "bad");
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("log: a sink that is set again costs no memory", "[log][regress]")
{
    static std::atomic<int> n_records;
    weft_log_set_sink(count_record, &n_records);
    wf_alloc_count_blocks(true);
    for (int i = 0; i < 10; i++) {
        weft_log_set_sink(nullptr, nullptr);
        weft_log_set_sink(count_record, &n_records);
        weft_log(WEFT_LOG_INFO, "app", "line");
    }
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
    weft_log_set_sink(nullptr, nullptr);
    CHECK(n_records == 10);
}

TEST_CASE("log: without memory for a new sink lines go to standard error", "[log][oom]")
{
    static std::atomic<int> n_records;
    std::string text = captured_stderr([] {
        wf_alloc_fail_after(0);
        weft_log_set_sink(count_record, &n_records);
        wf_alloc_fail_after(-1);
        weft_log(WEFT_LOG_INFO, "app", "still here");
    });
    CHECK(text == "app: INFO: still here\n");
    CHECK(n_records == 0);
    weft_log_set_sink(nullptr, nullptr);
}

TEST_CASE("log: sinks are changed and used by many threads at once", "[log][threads]")
{
    static std::atomic<int> counts[4];
    std::vector<std::thread> threads;
    weft_log_set_sink(count_record, &counts[0]);
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([i] {
            for (int n = 0; n < 500; n++) {
                weft_log_set_sink(count_record, &counts[i]);
                weft_log(WEFT_LOG_INFO, "app", "line %d", n);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    weft_log_set_sink(nullptr, nullptr);
    CHECK(counts[0] + counts[1] + counts[2] + counts[3] == 2000);
}
