#ifndef WEFT_TESTS_SUPPORT_VIRTUAL_LOOP_HPP
#define WEFT_TESTS_SUPPORT_VIRTUAL_LOOP_HPP

/*
 * A loop on a virtual clock, closed at the end, and a trace that coroutines and
 * callbacks write to: they record, the test asserts afterwards, since an
 * assertion throws and must not do so on another stack.
 */

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "weft/loop.h"
#include "weft/task.h"

class virtual_loop
{
  public:
    virtual_loop()
    {
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = 1;
        REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    }
    ~virtual_loop()
    {
        weft_loop_close(loop);
        weft_loop_unref(loop);
    }
    virtual_loop(const virtual_loop &) = delete;
    virtual_loop &operator=(const virtual_loop &) = delete;

    operator weft_loop *() const
    {
        return loop;
    }

    /* Run fn(arg) as a task to its end; its code. */
    int run(weft_coro_fn *fn, void *arg = nullptr, weft_value *out_value = nullptr)
    {
        return weft_loop_run_until_complete(loop, weft_coro_create(fn, arg), out_value);
    }

  private:
    weft_loop *loop = nullptr;
};

/* What happened, in order. */
using trace = std::vector<std::string>;

#endif
