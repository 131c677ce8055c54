#include "talk.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

namespace
{

struct good {
    std::string input;
    std::string answer; /* bodies of the handler, in order */
};

const std::vector<good> &table()
{
    static const std::vector<good> cases = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  1 \n" },
        { "GET /a/b%20c?x=1&y=%41 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX: \t v \t\r\n\r\n",
          "GET /a/b%20c x=1&y=%41 3 \n" },
        { "\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /  1 \n" },
        { "GET http://a:80/p?q HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /p q 1 \n" },
        { "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  1 \n" },
        { "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET / q 1 \n" },
        { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *  1 \n" },
        { "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST /p  2 hello\n" },
        { "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /p  2 \n" },
        { "PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n0A;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
          "PUT /p  2 abc0123456789\n" },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
          "GET /  3 \n" },
        { "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
          "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
          "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
          "\r\n"
          "DELETE /4 HTTP/1.1\r\nHost: a\r\n\r\n",
          "POST /1  2 ab\nGET /2  1 \nPOST /3  2 x\nDELETE /4  1 \n" },
        { "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab",
          "POST /e  3 ab\n" },
    };
    return cases;
}

/* The bodies of the answers put together; heads must be 200. */
std::string bodies(const std::string &answer)
{
    std::string all;
    size_t at = 0;

    while (at < answer.size()) {
        size_t end = answer.find("\r\n\r\n", at);
        if (end == std::string::npos) {
            return all + "<broken>";
        }
        if (answer.compare(at, 12, "HTTP/1.1 100") == 0) {
            at = end + 4;
            continue;
        }
        size_t length = answer.find("Content-Length: ", at);
        if (answer.compare(at, 12, "HTTP/1.1 200") != 0 || length > end) {
            return all + "<" + answer.substr(at, 12) + ">";
        }
        size_t n = std::strtoul(answer.c_str() + length + 16, nullptr, 10);
        all += answer.substr(end + 4, n);
        at = end + 4 + n;
    }
    return all;
}

bool is_prefix(const std::string &text, const std::string &whole)
{
    return whole.compare(0, text.size(), text) == 0;
}

} // namespace

TEST_CASE("http: good requests are answered in order", "[http]")
{
    for (const good &one : table()) {
        conversation c = talk_once(one.input);
        INFO(one.input);
        CHECK(bodies(c.answer) == one.answer);
        CHECK(c.result == 0);
    }
}

TEST_CASE("http: every way to cut a request in three gives the same answer", "[http]")
{
    std::vector<conversation> conversations;
    std::vector<size_t> which;

    for (size_t i = 0; i < table().size(); i++) {
        const std::string &input = table()[i].input;
        for (size_t first = 1; first < input.size(); first++) {
            conversation c;
            /* The second cut walks through all distances as the first walks on. */
            size_t second = first + 1 + first * 7 % (input.size() - first);
            c.pieces = { input.substr(0, first), input.substr(first, second - first) };
            if (second < input.size()) {
                c.pieces.push_back(input.substr(second));
            }
            conversations.push_back(c);
            which.push_back(i);
        }
        conversation bytewise;
        for (char byte : input) {
            bytewise.pieces.emplace_back(1, byte);
        }
        conversations.push_back(bytewise);
        which.push_back(i);
    }
    REQUIRE(talk(conversations) == 0);
    for (size_t i = 0; i < conversations.size(); i++) {
        if (bodies(conversations[i].answer) != table()[which[i]].answer) {
            INFO(table()[which[i]].input << "\ncut at " << conversations[i].pieces[0].size());
            CHECK(bodies(conversations[i].answer) == table()[which[i]].answer);
        }
    }
}

TEST_CASE("http: a request that ends early is never answered as if it were whole", "[http]")
{
    std::vector<conversation> conversations;
    std::vector<size_t> which;

    for (size_t i = 0; i < table().size(); i++) {
        for (size_t n = 0; n < table()[i].input.size(); n++) {
            conversation c;
            c.pieces = { table()[i].input.substr(0, n) };
            conversations.push_back(c);
            which.push_back(i);
        }
    }
    REQUIRE(talk(conversations) == 0);
    for (size_t i = 0; i < conversations.size(); i++) {
        std::vector<int> all = statuses(conversations[i].answer);
        std::string expected = table()[which[i]].answer;
        INFO(conversations[i].pieces[0]);
        if (!all.empty() && all.back() == 400) {
            all.pop_back();
        }
        /* What came whole before is answered, in order; the rest is 400 or, when nothing of it
         * came, silence. */
        size_t n_requests = 0;
        for (char c : expected) {
            n_requests += c == '\n';
        }
        CHECK(std::count(all.begin(), all.end(), 200) == static_cast<long>(all.size()));
        CHECK(all.size() < n_requests + (conversations[i].pieces[0].size() > 100 ? 1 : 0));
        size_t bad = conversations[i].answer.find("HTTP/1.1 400");
        CHECK(is_prefix(bodies(conversations[i].answer.substr(0, bad)), expected));
        CHECK(conversations[i].result == 0);
    }
}

TEST_CASE("http: random mutations never crash, hang or mix up answers", "[http]")
{
    unsigned seed = 20260731;
    std::mt19937 random(seed);
    std::vector<conversation> conversations;

    for (int round = 0; round < 3000; round++) {
        std::string input = table()[random() % table().size()].input;
        for (unsigned n = 1 + random() % 3; n > 0; n--) {
            size_t at = random() % input.size();
            switch (random() % 4) {
            case 0:
                input[at] = static_cast<char>(random());
                break;
            case 1:
                input.erase(at, 1 + random() % 4);
                break;
            case 2:
                input.insert(at, 1, "\r\n :,;\t0"[random() % 8]);
                break;
            default:
                input.insert(at, input.substr(random() % input.size(), random() % 12));
                break;
            }
            if (input.empty()) {
                input = "G";
            }
        }
        conversation c;
        size_t cut = random() % input.size();
        c.pieces = { input.substr(0, cut), input.substr(cut) };
        conversations.push_back(c);
        c.pieces = { input };
        conversations.push_back(c);
    }
    INFO("seed " << seed);
    REQUIRE(talk(conversations) == 0);
    for (size_t i = 0; i < conversations.size(); i += 2) {
        INFO(conversations[i + 1].pieces[0]);
        /* Cut or not, the same; a whole number of answers; nothing behind a refusal. */
        CHECK(conversations[i].answer == conversations[i + 1].answer);
        std::vector<int> all = statuses(conversations[i].answer);
        for (size_t k = 0; k < all.size(); k++) {
            CHECK((all[k] == 200 || (all[k] >= 400 && k + 1 == all.size())));
        }
    }
}

TEST_CASE("http: connections are kept as the versions say", "[http]")
{
    struct {
        const char *input;
        bool kept;
        const char *says;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, nullptr },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "Connection: close" },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: Foo, CLOSE\r\n\r\n", false,
          "Connection: close" },
        { "GET / HTTP/1.0\r\n\r\n", false, "Connection: close" },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Connection: keep-alive" },
    };

    for (const auto &one : cases) {
        conversation c = talk_once(std::string(one.input) + one.input);
        INFO(one.input << c.answer);
        CHECK(statuses(c.answer).size() == (one.kept ? 2u : 1u));
        if (one.says != nullptr) {
            CHECK(c.answer.find(one.says) != std::string::npos);
        } else {
            CHECK(c.answer.find("Connection:") == std::string::npos);
        }
    }
}

TEST_CASE("http: HEAD has the head of GET and no body", "[http]")
{
    conversation c = talk_once("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
                               "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");

    CHECK(c.answer == "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
}

TEST_CASE("http: limits are counted exactly", "[http][limits]")
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    const std::string head = "POST /1234 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
    const std::string input = head + "body";

    SECTION("head size")
    {
        options.max_head_size = head.size() + 1;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 200 });
        options.max_head_size = head.size();
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 200 });
        options.max_head_size = head.size() - 1;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 431 });
    }
    SECTION("target length")
    {
        options.max_target_length = 5;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 200 });
        options.max_target_length = 4;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 414 });
    }
    SECTION("headers")
    {
        options.max_headers = 2;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 200 });
        options.max_headers = 1;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 431 });
    }
    SECTION("body size")
    {
        options.max_body_size = 4;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 200 });
        options.max_body_size = 3;
        CHECK(statuses(talk_once(input, &options).answer) == std::vector<int>{ 413 });
    }
    SECTION("chunked body size")
    {
        const std::string chunked =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n";
        options.max_body_size = 4;
        CHECK(statuses(talk_once(chunked, &options).answer) == std::vector<int>{ 200 });
        options.max_body_size = 3;
        CHECK(statuses(talk_once(chunked, &options).answer) == std::vector<int>{ 413 });
    }
    SECTION("framing of a chunked body")
    {
        std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                              std::string(70000, 'x') + "\r\na\r\n0\r\n\r\n";
        options.max_body_size = 16;
        CHECK(statuses(talk_once(chunked, &options).answer) == std::vector<int>{ 413 });
        options.max_body_size = 1024;
        CHECK(statuses(talk_once(chunked, &options).answer) == std::vector<int>{ 200 });
    }
    SECTION("requests of a connection")
    {
        options.max_requests = 2;
        conversation c = talk_once(input + input + input, &options);
        CHECK(statuses(c.answer) == std::vector<int>{ 200, 200 });
        CHECK(c.answer.find("Connection: close") != std::string::npos);
    }
    SECTION("below zero")
    {
        options.idle_limit = -1;
        CHECK(talk_once(input, &options).result == WEFT_EINVAL);
    }
}

TEST_CASE("http: a large body arrives whole, and a large answer leaves whole", "[http]")
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    std::string body(900 * 1024, 'x');
    std::mt19937 random(7);

    for (char &c : body) {
        c = static_cast<char>('a' + random() % 26);
    }
    conversation counted =
        talk_once("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + body,
                  &options);
    CHECK((bodies(counted.answer) == "POST /  2 " + body + "\n"));

    std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    char size[16];
    for (size_t at = 0; at < body.size();) {
        size_t n = std::min<size_t>(1 + random() % 30000, body.size() - at);
        std::snprintf(size, sizeof size, "%zx\r\n", n);
        chunked += size + body.substr(at, n) + "\r\n";
        at += n;
    }
    conversation c = talk_once(chunked + "0\r\n\r\n", &options);
    CHECK((bodies(c.answer) == "POST /  2 " + body + "\n"));
}

TEST_CASE("http: who is slow is sent away in time", "[http][limits]")
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    conversation c;

    options.head_limit = WEFT_S(3);
    options.body_limit = WEFT_S(5);
    options.idle_limit = WEFT_S(7);
    c.ends = false;

    struct {
        std::string input;
        std::vector<int> statuses;
        weft_duration limit;
    } cases[] = {
        { "", {}, WEFT_S(7) },
        { "\r\n", {}, WEFT_S(7) },
        { "GET / HTT", { 408 }, WEFT_S(3) },
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", { 200 }, WEFT_S(7) },
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", { 200, 408 }, WEFT_S(3) },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc", { 408 }, WEFT_S(5) },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          { 408 },
          WEFT_S(5) },
    };
    for (const auto &one : cases) {
        std::vector<conversation> conversations{ c };
        conversations[0].pieces = { one.input };
        REQUIRE(talk(conversations, &options) == 0);
        INFO(one.input << conversations[0].answer);
        CHECK(statuses(conversations[0].answer) == one.statuses);
        CHECK(conversations[0].took >= one.limit);
        CHECK(conversations[0].took < one.limit + WEFT_S(1));
        CHECK(conversations[0].result == 0);
    }
}

TEST_CASE("http: 100-continue is said before the body is there", "[http]")
{
    std::vector<conversation> conversations(3);

    conversations[0].pieces = {
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "x"
    };
    conversations[1].pieces = {
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"
    };
    conversations[2].pieces = {
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
    };
    REQUIRE(talk(conversations) == 0);
    CHECK(conversations[0].answer.substr(0, 25) == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(statuses(conversations[0].answer) == std::vector<int>{ 200 });
    CHECK(conversations[1].answer.find("100 Continue") == std::string::npos);
    CHECK(statuses(conversations[1].answer) == std::vector<int>{ 413 });
    CHECK(conversations[2].answer.find("100 Continue") == std::string::npos);
    CHECK(statuses(conversations[2].answer) == std::vector<int>{ 200 });
}
