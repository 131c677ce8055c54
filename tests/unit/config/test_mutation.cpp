/*
 * weft.yaml, changed at random in thousands of ways: each must end in a config or in complaints,
 * without a crash, a hang or a leak (under AddressSanitizer). The seed is fixed and the round is
 * told, so that a failure can be found again.
 */
#include "support.hpp"

#include <fstream>
#include <random>
#include <sstream>

namespace
{

const unsigned seed = 471118;

std::string read_default()
{
    std::ifstream stream(WEFT_TEST_SOURCE_DIR "/config/weft.yaml");
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

/* Without comments the blows hit something that counts. */
std::string without_comments(const std::string &text)
{
    std::stringstream in(text);
    std::string line;
    std::string out;
    while (std::getline(in, line)) {
        size_t hash = line.find('#');
        line = line.substr(0, hash);
        line.erase(line.find_last_not_of(' ') + 1);
        if (!line.empty()) {
            out += line + "\n";
        }
    }
    return out;
}

const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!!x ",
    "|\n",
    ">\n",
    "'",
    "\"",
    "#",
    "%",
    "\t",
    "\n",
    "\r",
    "---\n",
    "...\n",
    "? ",
    "<<: ",
    "${",
    "}",
    "${HOME}",
    "$${",
    "\\",
    "\xff",
    "\xc2\x85",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "0",
    "-1",
    "999999999999999999999",
    "1e9",
    "auto",
    "unlimited",
    "unix:",
    "[::1]:0",
    "127.0.0.1:80",
    "64KiB",
    "5 per 1m",
    "http",
    "/x",
    "  ",
    ",",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{a: {a: {a: {a: {a: {a: {a: {a: {a: ",
    "\"\\0\"",
};

void mutate(std::string &text, std::mt19937 &random)
{
    size_t at = text.empty() ? 0 : random() % text.size();
    size_t length = std::min<size_t>(random() % 40, text.size() - at);
    switch (random() % 7) {
    case 0:
        text.erase(at, length);
        break;
    case 1:
        text.insert(at, pieces[random() % (sizeof pieces / sizeof pieces[0])]);
        break;
    case 2:
        text.replace(at, length, pieces[random() % (sizeof pieces / sizeof pieces[0])]);
        break;
    case 3:
        text.insert(random() % (text.size() + 1), text.substr(at, length * 4));
        break;
    case 4:
        if (!text.empty()) {
            text[at] = (char)random();
        }
        break;
    case 5:
        text.resize(at);
        break;
    default:
        if (!text.empty()) {
            std::swap(text[at], text[random() % text.size()]);
        }
        break;
    }
}

/* Whether what the loader returned and what it complained of agree. */
bool is_consistent(const loaded &file)
{
    if (file.rc == 0) {
        return file.config != nullptr && file.errors.n_errors == 0;
    }
    return file.config == nullptr && file.errors.n_errors > 0 && file.text != "";
}

} // namespace

TEST_CASE("mutation: thousands of broken files end in complaints", "[config][mutation][slow]")
{
    std::mt19937 random(seed);
    const std::string commented = read_default();
    const std::string bare = without_comments(commented);
    int accepted = 0;
    const int rounds = 4000;
    for (int round = 0; round < rounds; round++) {
        std::string text = round % 8 == 0 ? commented : bare;
        unsigned n = 1 + random() % 5;
        for (unsigned i = 0; i < n; i++) {
            mutate(text, random);
        }
        load_text file(text);
        if (!is_consistent(file)) {
            FAIL("seed " << seed << ", round " << round << ": rc " << file.rc << "\n" << file.text);
        }
        accepted += file.rc == 0;
        /* What is good must also survive the way to the worker. */
        if (file.rc == 0 && round % 4 == 0) {
            std::string json = to_json(file.config);
            loaded again;
            again.json(json);
            if (again.rc != 0 || to_json(again.config) != json) {
                FAIL("seed " << seed << ", round " << round << ": not the same\n" << again.text);
            }
        }
    }
    CHECK(accepted > 0);
    CHECK(accepted < rounds);
}

TEST_CASE("mutation: so do broken packets to the worker", "[config][mutation][slow]")
{
    std::mt19937 random(seed + 1);
    load_text file(read_default());
    REQUIRE(file.rc == 0);
    const std::string good = to_json(file.config);
    for (int round = 0; round < 1000; round++) {
        std::string text = good;
        mutate(text, random);
        mutate(text, random);
        loaded again;
        again.json(text);
        if (!is_consistent(again)) {
            FAIL("seed " << seed + 1 << ", round " << round << "\n" << again.text);
        }
    }
}
