#ifndef WEFT_TESTS_SUPPORT_QUICK_TASK_HPP
#define WEFT_TESTS_SUPPORT_QUICK_TASK_HPP

/* Tasks that are cancelled at about the moment at which they are done. */

#include "support/io_world.hpp"

/* A task without world's book-keeping: there are too many of them. */
class quick_task
{
  public:
    explicit quick_task(body what_) : what(std::move(what_))
    {
        weft_create_task(weft_coro_create(run_body, &what), &task);
    }
    ~quick_task()
    {
        weft_future_unref(task);
    }
    quick_task(const quick_task &) = delete;
    quick_task &operator=(const quick_task &) = delete;

    /* Cancel it after <turns>, then see it end: whether the cancel was taken. */
    bool cancel_after(unsigned turns)
    {
        settle(static_cast<int>(turns));
        bool is_taken = weft_task_cancel(task, nullptr) == 0;
        code = weft_await(task, nullptr);
        return is_taken;
    }
    int code = 0;

  private:
    body what;
    weft_task *task = nullptr;
};

#endif
