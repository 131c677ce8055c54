/* Look-ups for users: numbers, names, errors with the resolver's number, limits, cancels. */
#include "loopback.hpp"

#include "support/sweep.hpp"
#include "weft/dns.h"

#include <semaphore.h>

#include <cstring>

namespace
{

std::string text_of(const weft_addrinfo &info)
{
    char text[128] = "";
    weft_address_format(info.address, info.address_len, text, sizeof text);
    return text;
}

/* What a look-up gives, each address as text with its type. */
struct answer {
    int code = 1;
    std::vector<std::string> found;
    int64_t detail = 0;
    std::string message;
};

answer look_up(const char *host, const char *service,
               const weft_getaddrinfo_options *options = nullptr)
{
    answer a;
    weft_addrinfo_list *list = nullptr;

    a.code = weft_loop_getaddrinfo(nullptr, host, service, options, &list);
    a.detail = weft_current_detail(a.code);
    a.message = weft_current_message(a.code);
    for (size_t i = 0; i < weft_addrinfo_list_get_n(list); i++) {
        weft_addrinfo info = weft_addrinfo_list_get(list, i);
        a.found.push_back(std::to_string(info.type) + " " + text_of(info));
    }
    weft_addrinfo_list_destroy(list);
    return a;
}

/* A resolver that a test lets go on when it likes. */
sem_t gate;

int slow_resolve(const char *, const char *service, const addrinfo *hints, addrinfo **out_list)
{
    while (sem_wait(&gate) != 0) {
    }
    return getaddrinfo("127.0.0.1", service, hints, out_list);
}

class slow_resolver
{
  public:
    slow_resolver()
    {
        sem_init(&gate, 0, 0);
    }
    /* In a task. */
    static void use()
    {
        wf_io *io = nullptr;
        if (wf_io_get(weft_get_running_loop(), &io) == 0) {
            io->resolve = slow_resolve;
        }
    }
    static void let_go(int n)
    {
        while (n-- > 0) {
            sem_post(&gate);
        }
    }
};

} // namespace

TEST_CASE("dns: numbers need no thread and no turn", "[dns]")
{
    world w;
    answer all;
    answer one;
    answer six;
    int threads = n_threads();
    int more = -1;
    bool has_yielded = false;

    w.run([&] {
        weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
        w.spawn([&] {
            has_yielded = true;
            return 0;
        });
        all = look_up("127.0.0.1", "80");
        options.type = SOCK_DGRAM;
        one = look_up("127.0.0.1", nullptr, &options);
        six = look_up("::1", "65535", &options);
        more = n_threads() - threads;
        bool was = has_yielded;
        settle();
        has_yielded = was;
        return 0;
    });
    CHECK(all.found ==
          std::vector<std::string>{ "1 127.0.0.1:80", "2 127.0.0.1:80", "3 127.0.0.1:80" });
    CHECK(one.found == std::vector<std::string>{ "2 127.0.0.1:0" });
    CHECK(six.found == std::vector<std::string>{ "2 [::1]:65535" });
    CHECK(more == 0);
    CHECK(!has_yielded);
}

TEST_CASE("dns: names and services on a thread", "[dns][threads]")
{
    no_threads_left threads;
    world w(false);
    answer by_name;
    answer passive;
    std::string host;
    std::string service;
    std::string canon;

    w.run(
        [&] {
            weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
            weft_addrinfo_list *list = nullptr;
            options.family = AF_INET;
            options.type = SOCK_STREAM;
            by_name = look_up("localhost", "80", &options);
            options.flags = AI_PASSIVE;
            passive = look_up(nullptr, "8080", &options);
            options.flags = AI_CANONNAME;
            WEFT_TRY(weft_loop_getaddrinfo(nullptr, "localhost", "80", &options, &list));
            weft_addrinfo first = weft_addrinfo_list_get(list, 0);
            canon = first.canonname;
            char names[2][WEFT_HOST_SIZE] = {};
            WEFT_TRY(weft_loop_getnameinfo(nullptr, first.address, first.address_len,
                                           NI_NUMERICHOST, WEFT_FOREVER, names[0], sizeof names[0],
                                           names[1], sizeof names[1]));
            host = names[0];
            service = names[1];
            weft_addrinfo_list_destroy(list);
            return 0;
        },
        1000000);
    CHECK(by_name.found == std::vector<std::string>{ "1 127.0.0.1:80" });
    CHECK(passive.found == std::vector<std::string>{ "1 0.0.0.0:8080" });
    CHECK(canon == "localhost");
    CHECK(host == "127.0.0.1");
    CHECK(!service.empty()); /* "http", or "80" where there is no list of services */
}

TEST_CASE("dns: the resolver's own number comes with the error", "[dns][threads]")
{
    no_threads_left threads;
    world w(false);
    answer nonsense;
    answer family;
    int overflow = 0;
    int64_t overflow_detail = 0;

    w.run(
        [&] {
            weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
            options.flags = AI_NUMERICHOST;
            nonsense = look_up("256.0.0.1", "80", &options);
            options.flags = 0;
            options.family = 12345;
            family = look_up("127.0.0.1", "80", &options);
            sockaddr_in address = {};
            char small[4] = "abc";
            address.sin_family = AF_INET;
            overflow = weft_loop_getnameinfo(nullptr, reinterpret_cast<sockaddr *>(&address),
                                             sizeof address, NI_NUMERICHOST | NI_NUMERICSERV,
                                             WEFT_FOREVER, small, sizeof small, nullptr, 0);
            overflow_detail = weft_current_detail(overflow);
            return std::string(small) == "abc" ? 0 : 1;
        },
        1000000);
    CHECK(nonsense.code == WEFT_EADDRINFO);
    CHECK(nonsense.detail == EAI_NONAME);
    CHECK(nonsense.message == "256.0.0.1: Name or service not known");
    CHECK(family.code == WEFT_EADDRINFO);
    CHECK(family.detail == EAI_FAMILY);
    CHECK(overflow == WEFT_EADDRINFO);
    CHECK(overflow_detail == EAI_OVERFLOW);
}

TEST_CASE("dns: who is cancelled or late leaves the look-up behind, counted", "[dns][cancel]")
{
    no_threads_left threads;
    slow_resolver resolver;
    world w(false);
    weft_executor_stats before = {};
    weft_executor_stats during = {};
    int cancelled = 0;
    answer late;

    before.size = during.size = sizeof before;
    w.run(
        [&] {
            WEFT_TRY(weft_loop_get_names_stats(nullptr, &before));
            resolver.use();
            weft_task *task = w.spawn([&] { return look_up("host.test", "1").code; });
            while (during.n_running == 0) { /* until a thread has it */
                WEFT_TRY(weft_sleep(WEFT_MS(1)));
                WEFT_TRY(weft_loop_get_names_stats(nullptr, &during));
            }
            weft_task_cancel(task, nullptr);
            cancelled = weft_await(task, nullptr);
            weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
            options.limit = WEFT_MS(1);
            late = look_up("host.test", "1", &options);
            WEFT_TRY(weft_loop_get_names_stats(nullptr, &during));
            resolver.let_go(2);
            return 0;
        },
        1000000);
    CHECK(before.n_running == 0);
    CHECK(cancelled == WEFT_ECANCELED);
    CHECK(late.code == WEFT_ETIMEDOUT);
    CHECK(during.n_abandoned >= 1); /* the second may not have begun */
}

TEST_CASE("dns: wrong arguments", "[dns][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    sockaddr_in address = {};
    auto *any = reinterpret_cast<sockaddr *>(&address);
    char buffer[100];
    size_t len = 3;

    address.sin_family = AF_INET;
    w.run([&] {
        weft_addrinfo_list *list = nullptr;
        weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
        codes.push_back(weft_loop_getaddrinfo(nullptr, nullptr, nullptr, nullptr, &list));
        codes.push_back(weft_loop_getaddrinfo(nullptr, "127.0.0.1", "1", nullptr, nullptr));
        options.limit = -1;
        codes.push_back(weft_loop_getaddrinfo(nullptr, "127.0.0.1", "1", &options, &list));
        options.size = 1;
        codes.push_back(weft_loop_getaddrinfo(nullptr, "127.0.0.1", "1", &options, &list));
        auto names = [&](sockaddr *a, size_t n, weft_duration limit, size_t size) {
            return weft_loop_getnameinfo(nullptr, a, n, 0, limit, buffer, size, nullptr, 0);
        };
        codes.push_back(names(nullptr, 16, 0, 100));
        codes.push_back(names(any, 1, 0, 100));
        codes.push_back(names(any, 1000, 0, 100));
        codes.push_back(names(any, sizeof address, -1, 100));
        codes.push_back(names(any, sizeof address, 0, 0));
        codes.push_back(weft_address_format(nullptr, 16, buffer, 100));
        codes.push_back(weft_address_format(any, 4, buffer, 100));
        codes.push_back(weft_address_format(any, sizeof address, nullptr, 100));
        codes.push_back(weft_address_parse("localhost", 1, any, &len));
        codes.push_back(weft_address_parse("127.0.0.1", 1, any, &len));
        codes.push_back(weft_address_parse(nullptr, 1, any, &len));
        codes.push_back(weft_loop_get_names_stats(nullptr, nullptr));
        codes.push_back(list == nullptr ? WEFT_EINVAL : 0);
        return 0;
    });
    CHECK(codes == std::vector<int>(codes.size(), WEFT_EINVAL));
    CHECK(len == 3);
    weft_addrinfo_list *list = nullptr;
    CHECK(weft_loop_getaddrinfo(w.loop, "127.0.0.1", "1", nullptr, &list) == WEFT_ERUNTIME);
    CHECK(weft_addrinfo_list_get_n(nullptr) == 0);
    CHECK(weft_addrinfo_list_get(nullptr, 0).address == nullptr);
    weft_addrinfo_list_destroy(nullptr);
}

TEST_CASE("dns: an address there and back", "[dns]")
{
    sockaddr_storage address = {};
    size_t len = sizeof address;
    char text[64];

    CHECK(weft_address_parse("::1", 80, reinterpret_cast<sockaddr *>(&address), &len) == 0);
    CHECK(len == sizeof(sockaddr_in6));
    CHECK(weft_address_format(reinterpret_cast<sockaddr *>(&address), len, text, sizeof text) == 0);
    CHECK(std::string(text) == "[::1]:80");
}

TEST_CASE("dns: without memory", "[dns][oom]")
{
    int n = sweep_out_of_memory(
        [&] {
            weft_loop *loop = nullptr;
            int code = weft_new_event_loop(nullptr, &loop);
            if (code < 0) {
                return code;
            }
            body asker = [&] {
                weft_addrinfo_list *list = nullptr;
                char host[64];
                WEFT_TRY(weft_loop_getaddrinfo(nullptr, "127.0.0.1", "80", nullptr, &list));
                weft_addrinfo first = weft_addrinfo_list_get(list, 0);
                int r = weft_loop_getnameinfo(nullptr, first.address, first.address_len,
                                              NI_NUMERICHOST | NI_NUMERICSERV, WEFT_FOREVER, host,
                                              sizeof host, nullptr, 0);
                weft_addrinfo_list_destroy(list);
                return r;
            };
            code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &asker), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return code;
        },
        { -EMFILE, -ENOSPC });
    CHECK(n > 3);
}
