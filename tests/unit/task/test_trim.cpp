/* What a spike of tasks leaves: stacks, and when they go back. */
#include "support/virtual_loop.hpp"

extern "C" {
#include "task/state.h"
}

namespace
{

int nap(void *)
{
    return weft_sleep(WEFT_S(1));
}

struct spike {
    int n_tasks;
    weft_duration rest;
    size_t n_warm_before = 0;
    size_t n_warm_after = 0;
    size_t n_cached_before = 0;
    size_t n_cached_after = 0;
    int failed = 0;
};

size_t count_warm()
{
    return wf_stack_pool_get_n_warm(wf_task_state_get(weft_get_running_loop())->stacks);
}

size_t count_cached()
{
    const wf_task_state *state = wf_task_state_get(weft_get_running_loop());
    return state->n_cached + state->n_cached_coros;
}

int run_spike(void *arg)
{
    auto *s = static_cast<spike *>(arg);
    for (int i = 0; i < s->n_tasks; i++) {
        s->failed += weft_create_task(weft_coro_create(nap, nullptr), nullptr) != 0;
    }
    WEFT_TRY(weft_sleep(WEFT_S(2)));
    s->n_warm_before = count_warm();
    s->n_cached_before = count_cached();
    WEFT_TRY(weft_sleep(s->rest));
    s->n_warm_after = count_warm();
    s->n_cached_after = count_cached();
    return 0;
}

} // namespace

TEST_CASE("trim: the stacks of a spike go back when nobody needs them", "[task][R20]")
{
    virtual_loop loop;
    spike s{ .n_tasks = 2500, .rest = WEFT_S(30) };

    CHECK(loop.run(run_spike, &s) == 0);
    CHECK(s.failed == 0);
    CHECK(s.n_warm_before == 2500);
    CHECK(s.n_warm_after == 64);
    CHECK(s.n_cached_before >= 2500);
    CHECK(s.n_cached_after <= 2 * 64);
    CHECK(weft_loop_next_deadline(loop) == WEFT_FOREVER);
}

TEST_CASE("trim: a spike that comes back soon finds its stacks warm", "[task]")
{
    virtual_loop loop;
    for (int i = 0; i < 4; i++) {
        spike s{ .n_tasks = 1200, .rest = WEFT_MS(500) };
        CHECK(loop.run(run_spike, &s) == 0);
        CHECK(s.n_warm_before >= 1200);
        CHECK(s.n_warm_after == s.n_warm_before);
    }
}

TEST_CASE("trim: few stacks are kept, and no timer looks at them", "[task]")
{
    virtual_loop loop;
    spike s{ .n_tasks = 500, .rest = WEFT_S(60) };

    CHECK(loop.run(run_spike, &s) == 0);
    CHECK(s.n_warm_after == 500);
    CHECK(weft_loop_next_deadline(loop) == WEFT_FOREVER);
}
