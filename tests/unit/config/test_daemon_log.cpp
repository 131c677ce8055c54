// The three formats of the daemon's log, and that no message can forge a record.
#include <catch2/catch.hpp>

#include <cstring>
#include <jansson.h>
#include <string>
#include <unistd.h>

extern "C" {
#include "log.h"
}

namespace
{

std::string format(config_log_format how, const std::string &message, size_t size = 8192)
{
    weft_log_record record = {};
    std::string out(size, 'x');

    record.size = sizeof record;
    record.level = WEFT_LOG_WARNING;
    record.logger = "weftd";
    record.message = message.c_str();
    size_t length = log_format_record(how, "weftd", &record, &out[0], size);
    REQUIRE(length < size);
    CHECK(out[length] == '\0');
    out.resize(length);
    return out;
}

} // namespace

TEST_CASE("log: text says when, how bad, who and what", "[log]")
{
    std::string line = format(CONFIG_LOG_FORMAT_TEXT, "hello");
    std::string end = " WARNING  weftd[" + std::to_string(getpid()) + "]: hello\n";

    REQUIRE(line.size() == strlen("2024-02-29 12:00:00.123") + end.size());
    CHECK(line.substr(line.size() - end.size()) == end);
}

TEST_CASE("log: a second line is indented and a control character is spelt out", "[log]")
{
    std::string text = format(CONFIG_LOG_FORMAT_TEXT, "a\nb\x1b[0m\r\n");
    std::string journal = format(CONFIG_LOG_FORMAT_JOURNALD, "a\n<0>b");

    CHECK(text.find("]: a\n    b\\x1b[0m\\x0d\n") != std::string::npos);
    CHECK(journal == "<4>a\n<4>  <0>b\n");
}

TEST_CASE("log: JSON is JSON whatever the message holds", "[log]")
{
    const std::string messages[] = { "plain",
                                     "quote \" back \\ line\nend\t\x01\x7f",
                                     "\xff\xc3(",
                                     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                                     std::string(9000, '"'),
                                     "\xed\xa0\x80 surrogate",
                                     "" };

    for (const std::string &message : messages) {
        std::string line = format(CONFIG_LOG_FORMAT_JSON, message, 2048);
        json_error_t error;
        json_t *root = json_loads(line.c_str(), 0, &error);

        INFO(line << error.text);
        REQUIRE(root != nullptr);
        CHECK(std::string(json_string_value(json_object_get(root, "level"))) == "WARNING");
        CHECK(json_integer_value(json_object_get(root, "pid")) == getpid());
        if (message == "plain") {
            CHECK(json_string_value(json_object_get(root, "message")) == message);
        }
        json_decref(root);
    }
}

TEST_CASE("log: a long message is cut and still ends its line", "[log]")
{
    for (config_log_format how : { CONFIG_LOG_FORMAT_TEXT, CONFIG_LOG_FORMAT_JOURNALD }) {
        std::string line = format(how, std::string(5000, 'a'), 256);
        CHECK(line.size() == 255);
        CHECK(line.back() == '\n');
    }
}
