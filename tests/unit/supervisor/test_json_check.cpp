#include <catch2/catch.hpp>

extern "C" {
#include "supervisor/dumps.h"
}

#include <cstdint>
#include <jansson.h>
#include <string>

namespace
{

bool is_json(const std::string &text, size_t piece)
{
    json_check check;

    json_check_init(&check);
    for (size_t at = 0; at < text.size(); at += piece) {
        std::string part = text.substr(at, piece);
        if (json_check_feed(&check, part.data(), part.size()) != 0) {
            return false;
        }
    }
    return json_check_end(&check) == 0;
}

std::string nest(int depth)
{
    return std::string((size_t)depth, '[') + std::string((size_t)depth, ']');
}

bool jansson_takes(const std::string &text)
{
    json_error_t error;
    json_t *root = json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    json_decref(root);
    return root != nullptr;
}

const char *const good =
    R"({"weft":"0.1.0","pid":12,"loops":[{"name":"main-0","turns":7,"t":-1.5e+3,)"
    R"("x":null,"y":[true,false,[],{}],"z":"\u00e4\n\"\\ ü€"}],"e":0.25,"n":-0})";

} // namespace

TEST_CASE("json_check: a complete value passes, in pieces of any size", "[json_check]")
{
    for (size_t piece : { 1, 2, 3, 7, 1000 }) {
        CHECK(is_json(good, piece));
        CHECK(is_json(" [1 , 2.0E-1]\n", piece));
        CHECK(is_json("12", piece));
        CHECK(is_json("\"\"", piece));
        CHECK(is_json("null", piece));
    }
}

TEST_CASE("json_check: what would leave its place is refused", "[json_check]")
{
    for (const char *bad : { "",
                             " ",
                             "{",
                             "}",
                             "[1,]",
                             "{\"a\":1,}",
                             "{\"a\"}",
                             "{a:1}",
                             "[1}",
                             "{\"a\":1]",
                             "1 2",
                             "{}{}",
                             "[]]",
                             "\"a",
                             "\"\x01\"",
                             "\"\\x\"",
                             "\"\\u12g4\"",
                             "01",
                             "1.",
                             ".5",
                             "-",
                             "1e",
                             "+1",
                             "nul",
                             "nulll",
                             "tru e",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf4\x90\x80\x80\"",
                             "\"\xe2\x82\"",
                             "[,1]",
                             "{,}" }) {
        INFO(bad);
        CHECK_FALSE(is_json(bad, 1));
        CHECK_FALSE(is_json(bad, 100));
    }
    CHECK_FALSE(is_json(std::string("\"a\0b\"", 5), 100));
}

TEST_CASE("json_check: nesting has a limit", "[json_check]")
{
    CHECK(is_json(nest(JSON_CHECK_DEPTH), 10));
    CHECK_FALSE(is_json(nest(JSON_CHECK_DEPTH + 1), 10));
    CHECK_FALSE(is_json(std::string(100000, '['), 4096));
}

TEST_CASE("json_check: every change of one byte is judged as a parser does", "[json_check]")
{
    const std::string text = good;
    const std::string bytes("{}[],:\"\\0-9.eE+tnu \n\x01\x80\xc3\xf4z");
    int n_good = 0;

    for (size_t at = 0; at < text.size(); at++) {
        for (char byte : bytes) {
            std::string changed = text;
            changed[at] = byte;
            bool is_good = jansson_takes(changed);
            n_good += is_good;
            if (is_json(changed, 5) != is_good) {
                CAPTURE(changed, at, is_good);
                FAIL_CHECK("judged otherwise");
            }
        }
        CHECK(is_json(text.substr(0, at), 9) == jansson_takes(text.substr(0, at)));
    }
    CHECK(n_good > 100);
}
