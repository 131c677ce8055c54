#ifndef WEFT_TESTS_SUPPORT_DOOR_HPP
#define WEFT_TESTS_SUPPORT_DOOR_HPP

/* A door that threads of a test wait at until it is opened. */

#include <condition_variable>
#include <mutex>

class door
{
  public:
    void open()
    {
        std::lock_guard<std::mutex> guard(mutex);
        is_open = true;
        changed.notify_all();
    }

    /* Come to the door and wait. */
    void pass()
    {
        std::unique_lock<std::mutex> guard(mutex);
        n_arrived++;
        changed.notify_all();
        changed.wait(guard, [this] { return is_open; });
    }

    /* Until <n> threads have come. */
    void wait_for(int n)
    {
        std::unique_lock<std::mutex> guard(mutex);
        changed.wait(guard, [this, n] { return n_arrived >= n; });
    }

  private:
    std::mutex mutex;
    std::condition_variable changed;
    int n_arrived = 0;
    bool is_open = false;
};

#endif
