// Assertions and comparisons: what holds, what fails, and what cannot be understood.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

extern "C" {
#include "load/report.h"
#include "load/verdict.h"
}

namespace
{

// A run of <seconds> in which each second has <rate> answers of about <latency>.
struct made_run {
    struct options options = {};
    struct run run = {};

    made_run(int seconds, int rate, weft_duration latency, int n_failed = 0)
    {
        const char *why;
        options.duration = WEFT_S(seconds);
        options.rate = options.rate_to = rate;
        REQUIRE(target_parse(&options.target, "http://h/", &why) == 0);
        run.options = &options;
        run.seconds = seconds;
        run.n_loops = 1;
        REQUIRE(tally_init(&run.tally, options.duration) == 0);
        for (int s = 0; s < seconds; s++) {
            for (int i = 0; i < rate; i++) {
                weft_duration jitter = latency * ((i * 7 + s) % 10) / 100;
                tally_request(&run.tally, WEFT_S(s) + i, latency + jitter, latency, N_FAILURES);
            }
        }
        for (int i = 0; i < n_failed; i++) {
            tally_request(&run.tally, 0, 0, 0, FAILED_RESET);
        }
    }
    ~made_run()
    {
        run_fini(&run);
    }
    made_run(const made_run &) = delete;
    made_run &operator=(const made_run &) = delete;
};

struct text_file {
    char *text = nullptr;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    std::string close()
    {
        fclose(file);
        std::string all(text, size);
        free(text);
        return all;
    }
};

enum verdict assert_that(const made_run &made, const char *what)
{
    text_file out;
    enum verdict verdict = verdict_assert(&made.run, what, out.file);
    INFO(out.close());
    return verdict;
}

enum verdict compare(const made_run &old, const made_run &now, std::string *out_text)
{
    char path[] = "/tmp/weft-load-test-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    REQUIRE(report_write_json(&old.run, path) == 0);
    text_file out;
    enum verdict verdict = verdict_compare(&now.run, path, out.file);
    *out_text = out.close();
    unlink(path);
    return verdict;
}

} // namespace

TEST_CASE("assertions about a run")
{
    made_run made(5, 100, WEFT_MS(2), 3);

    CHECK(assert_that(made, "p99<5ms") == VERDICT_HOLDS);
    CHECK(assert_that(made, "p99<1ms") == VERDICT_FAILS);
    CHECK(assert_that(made, "p50>=2ms,p99.9<=2.5ms,max<1s,mean>1ms") == VERDICT_HOLDS);
    CHECK(assert_that(made, "errors==3,errors!=0,error%<1,answers==500,rate>=99") == VERDICT_HOLDS);
    CHECK(assert_that(made, "errors==0") == VERDICT_FAILS);
    CHECK(assert_that(made, "p99<5ms, errors==0") == VERDICT_FAILS);
}

TEST_CASE("assertions that cannot be understood")
{
    for (const char *text : { "p99", "p99<", "<5ms", "p99<5", "p99=<5ms", "p101<5ms", "px<5ms",
                              "errors==few", "errors=0", "speed>3", "p99<5ms,oops" }) {
        CAPTURE(text);
        bool is_bare_number = std::string(text) == "p99<5"; // seconds: understood
        CHECK(verdict_is_assertion(text) == is_bare_number);
    }
    CHECK(verdict_is_assertion("p99<5ms,errors==0"));
}

TEST_CASE("a comparison tells a difference from the noise")
{
    made_run old(10, 200, WEFT_MS(2)), same(10, 200, WEFT_MS(2)), slow(10, 200, WEFT_MS(3)),
        failing(10, 200, WEFT_MS(2), 50);
    std::string text;

    CHECK(compare(old, same, &text) == VERDICT_HOLDS);
    CHECK(text.find("WORSE") == std::string::npos);
    CHECK(compare(old, slow, &text) == VERDICT_FAILS);
    CHECK(text.find("WORSE") != std::string::npos);
    CHECK(compare(slow, old, &text) == VERDICT_HOLDS);
    CHECK(text.find("better") != std::string::npos);
}

TEST_CASE("a comparison with something else is refused")
{
    made_run made(3, 10, WEFT_MS(1));

    CHECK(verdict_compare(&made.run, "/nonexistent.json", stdout) == VERDICT_UNUSABLE);
}
