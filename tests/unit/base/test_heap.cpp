/* The timer heap against a sorted reference. */
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "support/sweep.hpp"

extern "C" {
#include "base/heap.h"
}

namespace
{

struct item {
    wf_heap_node node;
    int64_t key;
};

item *item_of(wf_heap_node *node)
{
    return reinterpret_cast<item *>(node);
}

} // namespace

TEST_CASE("heap: equal keys come out in the order they went in", "[heap]")
{
    wf_heap heap;
    item items[20];
    wf_heap_init(&heap);
    CHECK(wf_heap_peek(&heap) == nullptr);
    for (item &it : items) {
        wf_heap_node_init(&it.node);
        REQUIRE(wf_heap_add(&heap, 7, &it.node) == 0);
    }
    for (item &it : items) {
        REQUIRE(wf_heap_peek(&heap)->node == &it.node);
        wf_heap_remove(&heap, &it.node);
    }
    CHECK(wf_heap_peek(&heap) == nullptr);
    wf_heap_fini(&heap);
}

TEST_CASE("heap: a node outside is removed without harm", "[heap]")
{
    wf_heap heap;
    item it;
    wf_heap_init(&heap);
    wf_heap_node_init(&it.node);
    CHECK_FALSE(wf_heap_node_is_linked(&it.node));
    wf_heap_remove(&heap, &it.node);
    REQUIRE(wf_heap_add(&heap, INT64_MIN, &it.node) == 0);
    CHECK(wf_heap_node_is_linked(&it.node));
    CHECK(wf_heap_peek(&heap)->key == INT64_MIN);
    wf_heap_remove(&heap, &it.node);
    wf_heap_remove(&heap, &it.node);
    CHECK_FALSE(wf_heap_node_is_linked(&it.node));
    wf_heap_fini(&heap);
}

TEST_CASE("heap: it agrees with a sorted reference over random additions and removals", "[heap]")
{
    const unsigned seed = 20240611;
    std::mt19937 random(seed);
    INFO("seed " << seed);

    wf_heap heap;
    wf_heap_init(&heap);
    std::vector<item> items(2000);
    for (item &it : items) {
        wf_heap_node_init(&it.node);
    }
    /* (key, order of adding) -> item; the heap must show the first. */
    std::map<std::pair<int64_t, uint64_t>, item *> sorted;
    std::map<item *, std::pair<int64_t, uint64_t>> places;
    uint64_t n_added = 0;

    for (int step = 0; step < 60000; step++) {
        item &it = items[random() % items.size()];
        if (wf_heap_node_is_linked(&it.node)) {
            sorted.erase(places[&it]);
            places.erase(&it);
            wf_heap_remove(&heap, &it.node);
        } else {
            it.key = static_cast<int64_t>(random() % 500) - 250;
            REQUIRE(wf_heap_add(&heap, it.key, &it.node) == 0);
            places[&it] = { it.key, n_added };
            sorted[{ it.key, n_added++ }] = &it;
        }
        if (step % 7 == 0 && !sorted.empty()) {
            item *first = sorted.begin()->second;
            REQUIRE(item_of(wf_heap_peek(&heap)->node) == first);
            sorted.erase(sorted.begin());
            places.erase(first);
            wf_heap_remove(&heap, &first->node);
        }
    }
    while (!sorted.empty()) {
        item *first = sorted.begin()->second;
        REQUIRE(item_of(wf_heap_peek(&heap)->node) == first);
        REQUIRE(wf_heap_peek(&heap)->key == first->key);
        sorted.erase(sorted.begin());
        wf_heap_remove(&heap, &first->node);
    }
    CHECK(wf_heap_peek(&heap) == nullptr);
    wf_heap_fini(&heap);
}

TEST_CASE("heap: without memory an addition changes nothing", "[heap][oom]")
{
    int n_failed = sweep_out_of_memory([] {
        wf_heap heap;
        std::vector<item> items(200);
        int code = 0;
        size_t n_added = 0;
        wf_heap_init(&heap);
        for (item &it : items) {
            wf_heap_node_init(&it.node);
        }
        for (; n_added < items.size() && code == 0; n_added++) {
            code = wf_heap_add(&heap, -static_cast<int64_t>(n_added), &items[n_added].node);
        }
        if (code < 0) {
            n_added--;
            CHECK_FALSE(wf_heap_node_is_linked(&items[n_added].node));
        }
        CHECK(heap.n_entries == n_added);
        if (n_added > 0) {
            CHECK(wf_heap_peek(&heap)->node == &items[n_added - 1].node);
        }
        wf_heap_fini(&heap);
        return code;
    });
    CHECK(n_failed == 3); /* 64, 128 and 256 places */
}

TEST_CASE("heap: what a spike needed is given back, and the order stays", "[heap]")
{
    enum {
        N = 100000,
        LEFT = 10
    };
    std::vector<item> items(N);
    wf_heap heap;

    wf_heap_init(&heap);
    for (int i = 0; i < N; i++) {
        wf_heap_node_init(&items[i].node);
        REQUIRE(wf_heap_add(&heap, N - i, &items[i].node) == 0);
    }
    size_t at_most = heap.capacity;
    for (int i = 0; i < N - LEFT; i++) {
        wf_heap_remove(&heap, &items[i].node);
    }
    CHECK(heap.capacity < at_most / 8);
    for (int i = N - 1; i >= N - LEFT; i--) {
        REQUIRE(wf_heap_peek(&heap)->node == &items[i].node);
        wf_heap_remove(&heap, &items[i].node);
    }
    CHECK(wf_heap_peek(&heap) == nullptr);
    wf_heap_fini(&heap);
}
