#ifndef WEFT_TESTS_SUPPORT_SWEEP_HPP
#define WEFT_TESTS_SUPPORT_SWEEP_HPP

/*
 * The sweep over failing allocations: the scenario runs again and again, first
 * without any memory, then with one allocation, with two, ... until nothing
 * fails any more. Every run must end with an accepted code and leave as many
 * blocks as there were.
 */

#include <catch2/catch.hpp>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "weft/error.h"
#include "weft/testing.h"

extern "C" {
#include "base/alloc.h"
}

/*
 * <scenario> returns the code of what it tried and cleans up after itself. A run
 * in which an allocation failed must return WEFT_ENOMEM or one of <also>.
 * Returns how many runs failed.
 */
template <typename Scenario>
int sweep_out_of_memory(Scenario scenario, std::initializer_list<int> also = {})
{
    std::vector<int> accepted(also);
    int n_failed_runs = 0;

    accepted.push_back(WEFT_ENOMEM);
    for (long n = 0; n < 10000; n++) {
        weft_raise(nullptr);
        wf_alloc_count_blocks(true);
        wf_alloc_fail_after(n);
        int code = scenario();
        long n_refused = wf_alloc_n_failed();
        wf_alloc_fail_after(-1);
        weft_raise(nullptr);
        long n_left = wf_alloc_n_blocks();
        wf_alloc_count_blocks(false);

        INFO("with " << n << " allocations: " << weft_error_name(code));
        REQUIRE(n_left == 0);
        if (n_refused == 0) {
            REQUIRE(code == 0);
            return n_failed_runs;
        }
        REQUIRE(std::find(accepted.begin(), accepted.end(), code) != accepted.end());
        n_failed_runs++;
    }
    FAIL("the scenario never succeeds");
    return n_failed_runs;
}

#endif
