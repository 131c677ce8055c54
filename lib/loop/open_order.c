/*
 * Orders that asyncio leaves open, and that a test may have permuted.
 *
 * Some things happen in an order that no one promises: descriptors that are
 * found ready by one poll, the cancels that a group or a shutdown sends to
 * several tasks. Without a seed weft keeps the order in which they came; with
 * one each loop permutes them by its own generator, the same for the same
 * seed. A program whose outcome then differs depends on luck elsewhere.
 *
 * Thread: the loop's.
 */

#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

/* Neighbouring seeds become far states, and none becomes 0 (splitmix64). */
static uint64_t state_of(uint64_t seed)
{
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z == 0 ? 1 : z;
}

void wf_loop_set_seed(weft_loop *loop, uint64_t seed)
{
    loop->open_order = seed == 0 ? 0 : state_of(seed);
}

void wf_loop_seed_from_environment(weft_loop *loop)
{
    const char *text = getenv("WEFT_TEST_SEED");

    wf_loop_set_seed(loop, text != NULL ? strtoull(text, NULL, 0) : 0);
}

/* A number below <n>, by xorshift64. */
static size_t choose(weft_loop *loop, size_t n)
{
    uint64_t x = loop->open_order;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    loop->open_order = x;
    return (size_t)(x % n);
}

void wf_loop_permute(weft_loop *loop, void *items, size_t n, size_t size)
{
    char *at = items;
    char spare[WF_LOOP_MAX_PERMUTED];

    if (loop->open_order == 0) {
        return;
    }
    for (size_t i = n; i > 1; i--) {
        size_t other = choose(loop, i);
        memcpy(spare, at + (i - 1) * size, size);
        memcpy(at + (i - 1) * size, at + other * size, size);
        memcpy(at + other * size, spare, size);
    }
}

void wf_loop_permute_list(weft_loop *loop, struct wf_list *list)
{
    size_t n = 0;

    if (loop->open_order == 0) {
        return;
    }
    for (struct wf_list *link = list->next; link != list; link = link->next) {
        n++;
    }
    /* Turning it is enough: each may be the first, and each may follow each. */
    for (size_t k = n > 1 ? choose(loop, n) : 0; k > 0; k--) {
        struct wf_list *first = wf_list_take_first(list);
        wf_list_append(list, first);
    }
    if (n > 1 && choose(loop, 2) == 1) {
        struct wf_list reversed;
        wf_list_init(&reversed);
        while (!wf_list_is_empty(list)) {
            wf_list_prepend(&reversed, wf_list_take_first(list));
        }
        while (!wf_list_is_empty(&reversed)) {
            wf_list_append(list, wf_list_take_first(&reversed));
        }
    }
}
