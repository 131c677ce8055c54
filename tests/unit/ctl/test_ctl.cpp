// weftctl: reading answers, tables, and verbs that nobody knows.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "ctl/client.h"
#include "ctl/table.h"
#include "ctl/verbs.h"
}

namespace
{

int parse(const std::string &text, client_answer *answer)
{
    return client_parse(text.data(), text.size(), answer);
}

std::string print_status(const char *json)
{
    json_error_t error;
    json_t *root = json_loads(json, 0, &error);
    char *text = nullptr;
    size_t length = 0;

    REQUIRE(root != nullptr);
    FILE *stream = open_memstream(&text, &length);
    table_print_status(stream, root);
    fclose(stream);
    json_decref(root);
    std::string copy(text, length);
    free(text);
    return copy;
}

} // namespace

TEST_CASE("client: an answer is read", "[ctl]")
{
    client_answer answer = {};

    REQUIRE(
        parse("HTTP/1.1 422 Unprocessable Content\r\nDate: x\r\nCONTENT-length:  5\r\n\r\nhello",
              &answer) == 0);
    CHECK(answer.status == 422);
    CHECK(answer.length == 5);
    CHECK(std::string(answer.body) == "hello");
    client_answer_clear(&answer);
    CHECK(answer.body == nullptr);

    REQUIRE(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &answer) == 0);
    CHECK(std::string(answer.body) == "");
    client_answer_clear(&answer);
}

TEST_CASE("client: what is no answer is refused", "[ctl]")
{
    const std::string table[] = {
        "",
        "\r\n\r\n",
        "hello\r\n\r\n",
        "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe" + std::string(1, '\0') + "lo",
        "HTTP/1.1 200 OK\r\nX: y\r\n\r\nContent-Length: 0\r\n\r\n",
    };

    for (const std::string &text : table) {
        client_answer answer = {};
        INFO(text);
        CHECK(parse(text, &answer) == -EPROTO);
        CHECK(answer.body == nullptr);
    }
}

TEST_CASE("client: no random change of an answer breaks the reader", "[ctl]")
{
    const unsigned seed = 20240303;
    std::mt19937 random(seed);
    const std::string good = "HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: 5\r\n\r\nhello";
    int n_good = 0;

    for (int round = 0; round < 20000; round++) {
        std::string text = good;
        client_answer answer = {};

        for (unsigned i = 0; i <= random() % 3 && !text.empty(); i++) {
            size_t at = random() % text.size();
            if (random() % 2 == 0) {
                text[at] = (char)random();
            } else {
                text.erase(at, 1 + random() % 5);
            }
        }
        int rc = parse(text, &answer);
        INFO("seed " << seed << " round " << round);
        REQUIRE((rc == 0 || rc == -EPROTO));
        n_good += rc == 0;
        client_answer_clear(&answer);
    }
    CHECK(n_good > 100);
}

TEST_CASE("client: nobody listens", "[ctl]")
{
    client_answer answer = {};
    char why[256];

    CHECK(client_ask("/nowhere/s", "GET", "/status", 1, &answer, why, sizeof why) == -ENOENT);
    CHECK(std::string(why).find("/nowhere/s") == 0);
    std::string path(200, 'x');
    CHECK(client_ask(path.c_str(), "GET", "/", 1, &answer, why, sizeof why) == -ENAMETOOLONG);
}

TEST_CASE("verbs: an unknown one gets a suggestion", "[ctl]")
{
    enum verb_number number;
    const char *suggestion = nullptr;

    CHECK(verbs_find("reload", &number, &suggestion));
    CHECK_FALSE(verbs_find("relaod", &number, &suggestion));
    CHECK(std::string(suggestion) == "reload");
    CHECK_FALSE(verbs_find("statsu", &number, &suggestion));
    CHECK(std::string(suggestion) == "status");
    CHECK_FALSE(verbs_find("frobnicate", &number, &suggestion));
    CHECK(suggestion == nullptr);
}

TEST_CASE("table: columns are as wide as their widest cell", "[ctl]")
{
    std::string text = print_status(
        "{\"version\":\"0.1.0\",\"pid\":7,\"state\":\"serving\",\"uptime_seconds\":90.0,"
        "\"config\":\"/x\",\"last_death\":null,\"next_try_seconds\":null,\"last_reload\":null,"
        "\"listeners\":[{\"name\":\"a-long-listener\",\"address\":\"[::1]:1\",\"service\":null,"
        "\"sockets\":2},{\"name\":\"b\",\"address\":\"127.0.0.1:22222\",\"service\":\"web\","
        "\"sockets\":1}],\"generations\":[{\"number\":3,\"state\":\"serving\",\"pid\":12,"
        "\"age_seconds\":1.25,\"counters\":null}]}");

    CHECK(text == "weftd 0.1.0 (pid 7) is serving, for 2 min, with /x\n"
                  "\n"
                  "LISTENER         ADDRESS          SERVICE  SOCKETS\n"
                  "a-long-listener  [::1]:1          -        2\n"
                  "b                127.0.0.1:22222  web      1\n"
                  "\n"
                  "GENERATION  STATE    PID  AGE    LOOPS  TASKS  CONNECTIONS  ACCEPTED  SHED\n"
                  "3           serving  12   1.2 s  -      -      -            -         -\n");
}

TEST_CASE("table: what is wrong comes before the tables", "[ctl]")
{
    std::string text =
        print_status("{\"version\":\"0.1.0\",\"pid\":7,\"state\":\"holding\",\"uptime_seconds\":1,"
                     "\"config\":\"/x\",\"deaths\":6,\"last_death\":\"generation 6 crashed\","
                     "\"next_try_seconds\":12.5,\"last_reload\":{\"ok\":false,\"age_seconds\":3.0,"
                     "\"text\":\"x.yaml:1:1: error\\n\"}}");

    CHECK(text.find("6 deaths, the last one: generation 6 crashed\n") != std::string::npos);
    CHECK(text.find("the next try is in 12.5 s\n") != std::string::npos);
    CHECK(text.find("came to nothing:\nx.yaml:1:1: error\n") != std::string::npos);
    CHECK(text.find("LISTENER") == std::string::npos);
}

TEST_CASE("table: the lists of a dump", "[ctl]")
{
    auto print = [](const char *what, const char *json) {
        json_error_t error;
        json_t *root = json_loads(json, 0, &error);
        char *text = nullptr;
        size_t length = 0;
        FILE *stream = open_memstream(&text, &length);
        table_print_dump(stream, what, root, /* has_colours = */ false);
        fclose(stream);
        json_decref(root);
        std::string copy(text, length);
        free(text);
        return copy;
    };

    CHECK(print("tasks", R"({"tasks":[{"id":7,"name":"fetch","state":"waiting","loop":"weft-0",)"
                         R"("coro":{"file":"client.c","line":41,"function":"main","what":"fetch"},)"
                         R"("made":{"file":"main.c","line":12,"function":"main","what":null},)"
                         R"("wait":{"what":"lock","text":"lock held by Task-4","for":1.204}},)"
                         R"({"id":8,"name":"Task-8","state":"new","loop":"weft-0"}]})") ==
          "ID  NAME    STATE    LOOP    FOR    WAITS FOR            COROUTINE  MADE AT\n"
          "7   fetch   waiting  weft-0  1.2 s  lock held by Task-4  fetch      main.c:12\n"
          "8   Task-8  new      weft-0  -      -                    -          -\n");
    std::string executors =
        print("executors", R"({"executors":[{"name":"default","threads":1,"max_threads":6,)"
                           R"("running":1,"queued":0,"queue_limit":0,"waiting":0,"done":3,)"
                           R"("cancelled":0,"rejected":0,"jobs":[{"state":"running",)"
                           R"("submitted":{"file":"a.c","line":3,"function":"f","what":"block"},)"
                           R"("running_for":0.25,"submitted_for":2,"abandoned":true,)"
                           R"("thread":"default-0"}]}]})");
    CHECK(executors.find("default   1        6    1        0       -") != std::string::npos);
    CHECK(executors.find(
              "default   block  running  250 ms    2.0 s      a.c:3  yes        default-0") !=
          std::string::npos);
    CHECK(print("timers", "{}") == "no timers\n");
    CHECK(table_is_known("handles"));
    CHECK_FALSE(table_is_known("tree"));
}
