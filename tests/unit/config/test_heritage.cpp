// What a worker inherits: written, read back, and refused when it is not ours.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "heritage.h"
}

namespace
{

// Descriptors that are open for the length of a test.
struct open_fds {
    std::vector<int> fds;

    explicit open_fds(int n)
    {
        for (int i = 0; i < n; i++) {
            fds.push_back(memfd_create("test", 0));
        }
    }
    ~open_fds()
    {
        for (int fd : fds) {
            close(fd);
        }
    }
};

int memfd_of(const std::string &text)
{
    int fd = memfd_create("test-heritage", MFD_CLOEXEC);
    REQUIRE(write(fd, text.data(), text.size()) == (ssize_t)text.size());
    return fd;
}

struct reading {
    int rc;
    std::string why;
};

reading read_text(const std::string &text)
{
    char why[256] = "";
    heritage *heritage = nullptr;
    int fd = memfd_of(text);
    int rc = heritage_read(fd, &heritage, why, sizeof why);

    close(fd);
    heritage_destroy(heritage);
    return { rc, why };
}

std::string text_of(int channel, int config, const std::string &listeners)
{
    return "{\"version\":1,\"generation\":7,\"pid\":4711,\"channel\":" + std::to_string(channel) +
           ",\"config\":" + std::to_string(config) + ",\"listeners\":" + listeners + "}";
}

} // namespace

TEST_CASE("heritage: what was written is read back", "[heritage]")
{
    open_fds open(5);
    int web[] = { open.fds[2], open.fds[3] };
    int local[] = { open.fds[4] };
    heritage_listener listeners[] = { { "web", CONFIG_FAMILY_IPV6, web, 2 },
                                      { "lo\"cal", CONFIG_FAMILY_UNIX, local, 1 } };
    heritage written = {};
    heritage *got = nullptr;
    char why[256];
    int fd = -1;

    written.generation = UINT64_C(1) << 40;
    written.supervisor = 4711;
    written.channel = open.fds[0];
    written.config = open.fds[1];
    written.listeners = listeners;
    written.n_listeners = 2;
    REQUIRE(heritage_write(&written, &fd) == 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(pwrite(fd, "x", 1, 0) < 0); // sealed

    REQUIRE(heritage_read(fd, &got, why, sizeof why) == 0);
    CHECK(got->generation == UINT64_C(1) << 40);
    CHECK(got->supervisor == 4711);
    CHECK(got->channel == open.fds[0]);
    CHECK(got->config == open.fds[1]);
    REQUIRE(got->n_listeners == 2);
    CHECK(got->listeners[0].family == CONFIG_FAMILY_IPV6);
    REQUIRE(got->listeners[0].n_fds == 2);
    CHECK(got->listeners[0].fds[1] == open.fds[3]);
    CHECK(heritage_find_listener(got, "lo\"cal") == &got->listeners[1]);
    CHECK(heritage_find_listener(got, "nobody") == nullptr);
    for (int i : open.fds) {
        CHECK((fcntl(i, F_GETFD) & FD_CLOEXEC) != 0);
    }
    heritage_destroy(got);
    for (int i : open.fds) {
        CHECK(fcntl(i, F_GETFD) >= 0); // reading and freeing close nothing
    }
    close(fd);
}

TEST_CASE("heritage: a worker without listeners has a heritage too", "[heritage]")
{
    open_fds open(2);

    CHECK(read_text(text_of(open.fds[0], open.fds[1], "[]")).rc == 0);
}

TEST_CASE("heritage: a text that is not ours is refused with a sentence", "[heritage]")
{
    open_fds open(4);
    auto number = [&open](int i) { return std::to_string(open.fds[(size_t)i]); };
    const std::string good = text_of(open.fds[0], open.fds[1],
                                     "[{\"name\":\"a\",\"family\":\"ipv4\",\"fds\":[" + number(2) +
                                         "," + number(3) + "]}]");
    REQUIRE(read_text(good).rc == 0);

    int closed = fcntl(0, F_DUPFD, 200);
    REQUIRE(closed >= 200); // high enough that nobody takes the number meanwhile
    close(closed);
    struct {
        std::string text;
        const char *part; // of the sentence
    } table[] = {
        { "", "JSON" },
        { "{", "JSON" },
        { std::string(3000, '['), "JSON" },
        { "[]", "'version'" },
        { "{}", "'version'" },
        { "null", "JSON" },
        { "{\"version\":2}", "version 2" },
        { "{\"version\":\"1\"}", "'version'" },
        { good.substr(0, good.size() - 1), "JSON" },
        { good + "{}", "JSON" },
        { "{\"version\":1,\"version\":1}", "JSON" },
        { text_of(0, open.fds[1], "[]"), "'channel'" },
        { text_of(2, open.fds[1], "[]"), "2 cannot" },
        { text_of(-1, open.fds[1], "[]"), "'channel'" },
        { text_of(closed, open.fds[1], "[]"), "not open" },
        { text_of(open.fds[0], open.fds[0], "[]"), "twice" },
        { text_of(open.fds[0], open.fds[1], "{}"), "'listeners'" },
        { text_of(open.fds[0], open.fds[1], "[7]"), "'name'" },
        { text_of(open.fds[0], open.fds[1], "[{\"name\":\"\"}]"), "'name'" },
        { text_of(open.fds[0], open.fds[1], "[{\"name\":\"a\",\"fds\":[]}]"), "0 descriptors" },
        { text_of(open.fds[0], open.fds[1], "[{\"name\":\"a\",\"fds\":[" + number(2) + "]}]"),
          "'family'" },
        { text_of(open.fds[0], open.fds[1],
                  "[{\"name\":\"a\",\"family\":\"ipx\",\"fds\":[" + number(2) + "]}]"),
          "'family'" },
        { text_of(open.fds[0], open.fds[1],
                  "[{\"name\":\"a\",\"family\":\"unix\",\"fds\":[\"3\"]}]"),
          "no integer" },
        { text_of(open.fds[0], open.fds[1],
                  "[{\"name\":\"a\",\"family\":\"unix\",\"fds\":[99999999999]}]"),
          "cannot be" },
        { text_of(open.fds[0], open.fds[1],
                  "[{\"name\":\"a\",\"family\":\"unix\",\"fds\":[" + number(2) +
                      "]},{\"name\":\"a\",\"family\":\"unix\",\"fds\":[" + number(3) + "]}]"),
          "named twice" },
    };
    for (const auto &row : table) {
        reading got = read_text(row.text);
        INFO(row.text.substr(0, 200) << " -> " << got.why);
        CHECK(got.rc == -EPROTO);
        CHECK(got.why.find(row.part) != std::string::npos);
    }
}

TEST_CASE("heritage: no random change of a good text breaks the reader", "[heritage]")
{
    const unsigned seed = 20240301;
    std::mt19937 random(seed);
    open_fds open(4);
    const std::string good =
        text_of(open.fds[0], open.fds[1],
                "[{\"name\":\"a\",\"family\":\"ipv4\",\"fds\":[" + std::to_string(open.fds[2]) +
                    "]},{\"name\":\"b\",\"family\":\"unix\",\"fds\":[" +
                    std::to_string(open.fds[3]) + "]}]");
    int accepted = 0;
    int refused = 0;

    for (int round = 0; round < 4000; round++) {
        std::string text = good;
        int n_changes = 1 + (int)(random() % 3);

        for (int i = 0; i < n_changes; i++) {
            size_t at = random() % text.size();
            switch (random() % 4) {
            case 0:
                text[at] = (char)random();
                break;
            case 1:
                text.erase(at, 1 + random() % 8);
                break;
            case 2:
                text.insert(at, 1, "0123456789{}[],:\"-e."[random() % 20]);
                break;
            default:
                text.insert(at, text.substr(random() % text.size(), random() % 40));
                break;
            }
            if (text.empty()) {
                text = "x";
            }
        }
        int rc = read_text(text).rc;
        accepted += rc == 0;
        refused += rc == -EPROTO;
        INFO("seed " << seed << " round " << round << ": " << text);
        REQUIRE((rc == 0 || rc == -EPROTO));
    }
    CHECK(accepted > 0);
    CHECK(refused > 1000);
}
