/*
 * The pieces of a snapshot: walking lists that may be broken, and memory that is not there.
 */
#include <catch2/catch.hpp>

#include <string>
#include <vector>

extern "C" {
#include "base/list.h"
#include "inspect/out.h"
#include "inspect/reader.h"
}

#include <sys/mman.h>
#include <unistd.h>

namespace
{

struct item {
    struct wf_list link;
    int number;
};

struct chain {
    struct wf_list head;
    item items[6];
    struct wf_reader reader = {};

    chain()
    {
        wf_list_init(&head);
        for (int i = 0; i < 6; i++) {
            items[i].number = i;
            wf_list_append(&head, &items[i].link);
        }
        REQUIRE(wf_memory_open(&reader.memory, 0) == 0);
    }
    ~chain()
    {
        wf_memory_close(&reader.memory);
    }

    /* The numbers that a walk sees. */
    std::vector<int> walk(bool &is_whole, size_t max = 100)
    {
        std::vector<int> seen;
        is_whole = wf_walk(
            &reader, WF_ADDRESS(&head), max,
            [](struct wf_reader *by, uint64_t node, void *data) -> bool {
                item copy;
                if (wf_see(by, node - offsetof(item, link), &copy, sizeof copy)) {
                    static_cast<std::vector<int> *>(data)->push_back(copy.number);
                }
                return true;
            },
            &seen);
        return seen;
    }
};

} // namespace

TEST_CASE("see: a whole list is walked in its order", "[inspect][see]")
{
    chain list;
    bool is_whole = false;

    CHECK(list.walk(is_whole) == std::vector<int>{ 0, 1, 2, 3, 4, 5 });
    CHECK(is_whole);
    CHECK(list.walk(is_whole, 2) == std::vector<int>{ 0, 1 });
}

TEST_CASE("see: a broken list is walked from both ends", "[inspect][see]")
{
    chain list;
    bool is_whole = false;

    SECTION("an append is half done")
    {
        list.items[5].link.prev = &list.items[4].link; /* linked back, not yet forward */
        list.items[4].link.next = &list.head;
        CHECK(list.walk(is_whole) == std::vector<int>{ 0, 1, 2, 3, 4 });
    }
    SECTION("a removal is half done")
    {
        list.items[2].link.next = &list.items[4].link; /* forward over 3, back not yet */
        CHECK(list.walk(is_whole) == std::vector<int>{ 0, 1, 2, 5, 4, 3 });
        CHECK_FALSE(is_whole);
    }
    SECTION("a link leads nowhere")
    {
        list.items[2].link.next = reinterpret_cast<struct wf_list *>(16);
        CHECK(list.walk(is_whole) == std::vector<int>{ 0, 1, 2, 5, 4, 3 });
        CHECK_FALSE(is_whole);
    }
    SECTION("a link leads back")
    {
        list.items[4].link.next = &list.items[1].link;
        CHECK(list.walk(is_whole) == std::vector<int>{ 0, 1, 2, 3, 4, 5 });
        CHECK_FALSE(is_whole);
    }
}

TEST_CASE("see: memory that is not there is no error of ours", "[inspect][see]")
{
    chain list;
    int number;

    CHECK_FALSE(wf_see(&list.reader, 0, &number, sizeof number));
    CHECK_FALSE(wf_see(&list.reader, 1, &number, sizeof number));
    CHECK_FALSE(wf_see(&list.reader, UINT64_MAX - 2, &number, sizeof number));
}

TEST_CASE("out: JSON strings are valid whatever they hold", "[inspect][out]")
{
    const struct {
        const char *text;
        const char *written;
    } rows[] = {
        { "plain", "\"plain\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "line\nend", "\"line?end\"" },
        { "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
        { "cut \xc3", "\"cut ?\"" },
        { "\xff\xfe", "\"??\"" },
        { nullptr, "null" },
    };

    for (const auto &row : rows) {
        auto *out = new struct wf_out;
        char bytes[64] = {};
        int fd = memfd_create("out", MFD_CLOEXEC);
        wf_out_begin(out, fd);
        wf_out_json(out, row.text);
        CHECK(wf_out_end(out) == 0);
        CHECK(pread(fd, bytes, sizeof bytes - 1, 0) > 0);
        CHECK(std::string(bytes) == row.written);
        close(fd);
        delete out;
    }
}
