// The command line of weft-load: targets, times, and what is refused.
#include <catch2/catch.hpp>

#include <cstring>
#include <getopt.h>
#include <string>
#include <sys/resource.h>
#include <vector>

extern "C" {
#include "load/options.h"
}

namespace
{

int parse(struct options *options, std::vector<std::string> words)
{
    std::vector<char *> argv;

    words.insert(words.begin(), "weft-load");
    for (auto &word : words) {
        argv.push_back(&word[0]);
    }
    argv.push_back(nullptr);
    optind = 0; // getopt begins anew
    int r = options_parse(options, int(words.size()), argv.data());
    options->target.url = nullptr; // it points into <words>
    return r;
}

} // namespace

TEST_CASE("targets")
{
    struct target t;
    const char *why;

    REQUIRE(target_parse(&t, "http://example.org", &why) == 0);
    CHECK(t.kind == TARGET_HTTP);
    CHECK(std::string(t.host) == "example.org");
    CHECK(t.port == 80);
    CHECK(std::string(t.path) == "/");

    REQUIRE(target_parse(&t, "http://[::1]:8080/a?b=c", &why) == 0);
    CHECK(std::string(t.host) == "::1");
    CHECK(t.port == 8080);
    CHECK(std::string(t.path) == "/a?b=c");

    REQUIRE(target_parse(&t, "http+unix:/run/x.sock:/status", &why) == 0);
    CHECK(std::string(t.socket) == "/run/x.sock");
    CHECK(std::string(t.path) == "/status");
    CHECK(t.host[0] == '\0');

    REQUIRE(target_parse(&t, "tcp://127.0.0.1:7007", &why) == 0);
    CHECK(t.kind == TARGET_ECHO);
    CHECK(t.port == 7007);

    REQUIRE(target_parse(&t, "unix:echo.sock", &why) == 0);
    CHECK(std::string(t.socket) == "echo.sock");

    REQUIRE(target_parse(&t, "module:./a.so:some argument", &why) == 0);
    CHECK(t.kind == TARGET_MODULE);
    CHECK(std::string(t.module) == "./a.so");
    CHECK(std::string(t.path) == "some argument");
}

TEST_CASE("targets that are none")
{
    struct target t;

    for (const char *url :
         { "", "http://", "http://:80/", "http://h:0/", "http://h:65536/", "http://h:8o/",
           "http://[::1/", "tcp://host", "ftp://host", "unix:", "http+unix:/s:status" }) {
        const char *why = nullptr;
        CAPTURE(url);
        CHECK(target_parse(&t, url, &why) < 0);
        CHECK(why != nullptr);
    }
    std::string long_path = "unix:/" + std::string(200, 'x');
    const char *why = nullptr;
    CHECK(target_parse(&t, long_path.c_str(), &why) < 0);
}

TEST_CASE("times have units")
{
    weft_duration d;

    CHECK((parse_duration("250ms", &d) && d == WEFT_MS(250)));
    CHECK((parse_duration("1.5s", &d) && d == WEFT_MS(1500)));
    CHECK((parse_duration("2m", &d) && d == WEFT_S(120)));
    CHECK((parse_duration("20us", &d) && d == WEFT_US(20)));
    CHECK((parse_duration("3", &d) && d == WEFT_S(3)));
    for (const char *text : { "", "ms", "-1s", "5 s", "5x", "nan", "1e30h" }) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text, &d));
    }
}

TEST_CASE("options are read, and wrong ones refused")
{
    struct options o;

    REQUIRE(parse(&o, { "-R", "2500", "--arrivals", "poisson", "-c", "9", "-d", "3s", "--warmup",
                        "0s", "-t", "2", "http://h/" }) == 0);
    CHECK(o.rate == 2500);
    CHECK(o.rate_to == 2500);
    CHECK(o.is_poisson);
    CHECK(o.n_connections == 9);
    CHECK(o.duration == WEFT_S(3));
    CHECK(o.warmup == 0);
    CHECK(o.n_loops == 2);

    REQUIRE(parse(&o, { "--ramp", "10:90", "http://h/" }) == 0);
    CHECK(o.rate == 10);
    CHECK(o.rate_to == 90);

    REQUIRE(parse(&o, { "-c", "1", "-t", "8", "http://h/" }) == 0);
    CHECK(o.n_loops == 1); // a loop without a connection has nothing to do

    const std::vector<std::vector<std::string>> wrong = {
        {},
        { "http://a/", "http://b/" },
        { "-R", "0", "http://h/" },
        { "-R", "fast", "http://h/" },
        { "--arrivals", "bursty", "http://h/" },
        { "--ramp", "10", "http://h/" },
        { "-d", "0s", "http://h/" },
        { "-d", "soon", "http://h/" },
        { "-c", "0", "http://h/" },
        { "-H", "no colon", "http://h/" },
        { "-H", "A: b\r\nC: d", "http://h/" },
        { "--size", "0", "tcp://h:1" },
        { "--closed", "--ramp", "1:2", "http://h/" },
        { "--closed", "--find-knee", "http://h/" },
        { "--hammer-reload", "1s", "http://h/" },
        { "--idle", "5", "module:x.so" },
        { "--no-such-option", "http://h/" },
    };
    for (const auto &words : wrong) {
        CAPTURE(words);
        CHECK(parse(&o, words) < 0);
    }
}

TEST_CASE("more connections than there can be descriptors are refused at once")
{
    struct options options;
    struct rlimit limit;

    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < 500000) {
        CHECK(parse(&options, { "--idle", "999999", "http://127.0.0.1:1/" }) < 0);
        CHECK(parse(&options, { "-c", "999999", "http://127.0.0.1:1/" }) < 0);
    }
    CHECK(parse(&options, { "--idle", "100", "http://127.0.0.1:1/" }) == 0);
}
