/* The intrusive list. */
#include <catch2/catch.hpp>

#include <vector>

extern "C" {
#include "base/list.h"
}

namespace
{

struct item {
    int number;
    wf_list link;
};

std::vector<int> numbers(const wf_list &list)
{
    std::vector<int> found;
    for (wf_list *node = list.next; node != &list; node = node->next) {
        REQUIRE(node->next->prev == node);
        found.push_back(WF_CONTAINER_OF(node, item, link)->number);
    }
    return found;
}

} // namespace

TEST_CASE("list: nodes come out in the order of appending", "[list]")
{
    wf_list list;
    item items[3] = { { 1, {} }, { 2, {} }, { 3, {} } };
    wf_list_init(&list);
    CHECK(wf_list_is_empty(&list));
    CHECK(wf_list_take_first(&list) == nullptr);
    for (item &it : items) {
        wf_list_init(&it.link);
        CHECK_FALSE(wf_list_is_linked(&it.link));
        wf_list_append(&list, &it.link);
        CHECK(wf_list_is_linked(&it.link));
    }
    CHECK(numbers(list) == std::vector<int>{ 1, 2, 3 });

    SECTION("one is removed from the middle, twice")
    {
        wf_list_remove(&items[1].link);
        wf_list_remove(&items[1].link);
        CHECK_FALSE(wf_list_is_linked(&items[1].link));
        CHECK(numbers(list) == std::vector<int>{ 1, 3 });
    }
    SECTION("the first is taken")
    {
        CHECK(wf_list_take_first(&list) == &items[0].link);
        CHECK_FALSE(wf_list_is_linked(&items[0].link));
        CHECK(numbers(list) == std::vector<int>{ 2, 3 });
    }
    SECTION("one is put in front")
    {
        item zero = { 0, {} };
        wf_list_prepend(&list, &zero.link);
        CHECK(numbers(list) == std::vector<int>{ 0, 1, 2, 3 });
    }
}

TEST_CASE("list: splicing moves everything and leaves nothing", "[list]")
{
    wf_list to;
    wf_list from;
    item items[4] = { { 1, {} }, { 2, {} }, { 3, {} }, { 4, {} } };
    wf_list_init(&to);
    wf_list_init(&from);
    wf_list_splice(&to, &from);
    CHECK(wf_list_is_empty(&to));
    wf_list_append(&to, &items[0].link);
    wf_list_append(&from, &items[1].link);
    wf_list_append(&from, &items[2].link);
    wf_list_append(&from, &items[3].link);
    wf_list_splice(&to, &from);
    CHECK(numbers(to) == std::vector<int>{ 1, 2, 3, 4 });
    CHECK(wf_list_is_empty(&from));
    wf_list_splice(&from, &to);
    CHECK(numbers(from) == std::vector<int>{ 1, 2, 3, 4 });
    CHECK(wf_list_is_empty(&to));
}
