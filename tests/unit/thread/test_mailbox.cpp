/* The mailbox: order, doorbell, sleep and close. */
#include <catch2/catch.hpp>

#include <cerrno>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/sweep.hpp"

extern "C" {
#include "thread/mailbox.h"
}

namespace
{

struct message {
    wf_post post;
    int number;
};

std::vector<int> numbers(wf_post *first)
{
    std::vector<int> found;
    for (; first != nullptr; first = first->next) {
        found.push_back(reinterpret_cast<message *>(first)->number);
    }
    return found;
}

/* Did the doorbell ring since the last look? As an edge-triggered set would see it. */
class bell
{
  public:
    explicit bell(const wf_mailbox &box) : descriptor(box.doorbell)
    {
    }

    bool rang()
    {
        uint64_t total = count();
        bool answer = total != last;
        last = total;
        return answer;
    }

  private:
    uint64_t count() const
    {
        /* Reading resets an eventfd; here nobody else looks at it. */
        uint64_t n = 0;
        return read(descriptor, &n, sizeof n) == sizeof n ? last + n : last;
    }

    int descriptor;
    uint64_t last = 0;
};

struct open_mailbox {
    wf_mailbox box;
    int code;

    open_mailbox()
    {
        code = wf_mailbox_init(&box);
    }
    ~open_mailbox()
    {
        (void)wf_mailbox_close(&box);
        wf_mailbox_fini(&box);
    }
};

} // namespace

TEST_CASE("mailbox: posts of one thread arrive in their order", "[mailbox]")
{
    open_mailbox m;
    REQUIRE(m.code == 0);
    message messages[4] = { { {}, 0 }, { {}, 1 }, { {}, 2 }, { {}, 3 } };
    CHECK(wf_mailbox_take(&m.box) == nullptr);
    CHECK_FALSE(wf_mailbox_has_posts(&m.box));
    for (message &one : messages) {
        REQUIRE(wf_mailbox_post(&m.box, &one.post) == 0);
    }
    CHECK(wf_mailbox_has_posts(&m.box));
    CHECK(numbers(wf_mailbox_take(&m.box)) == std::vector<int>{ 0, 1, 2, 3 });
    CHECK(wf_mailbox_take(&m.box) == nullptr);
    REQUIRE(wf_mailbox_post(&m.box, &messages[2].post) == 0);
    CHECK(numbers(wf_mailbox_take(&m.box)) == std::vector<int>{ 2 });
}

TEST_CASE("mailbox: only the first post of a sleep rings", "[mailbox]")
{
    open_mailbox m;
    REQUIRE(m.code == 0);
    bell doorbell(m.box);
    message messages[3] = {};

    REQUIRE(wf_mailbox_post(&m.box, &messages[0].post) == 0);
    CHECK_FALSE(doorbell.rang());
    CHECK_FALSE(wf_mailbox_try_sleep(&m.box));
    (void)wf_mailbox_take(&m.box);

    REQUIRE(wf_mailbox_try_sleep(&m.box));
    CHECK_FALSE(wf_mailbox_has_posts(&m.box));
    REQUIRE(wf_mailbox_post(&m.box, &messages[1].post) == 0);
    CHECK(doorbell.rang());
    REQUIRE(wf_mailbox_post(&m.box, &messages[2].post) == 0);
    CHECK_FALSE(doorbell.rang());
    wf_mailbox_wake(&m.box);
    CHECK(wf_mailbox_take(&m.box) == &messages[1].post);

    REQUIRE(wf_mailbox_try_sleep(&m.box));
    wf_mailbox_wake(&m.box); /* by a timer: nothing was posted */
    CHECK_FALSE(doorbell.rang());
    CHECK(wf_mailbox_take(&m.box) == nullptr);
    REQUIRE(wf_mailbox_post(&m.box, &messages[0].post) == 0);
    CHECK_FALSE(doorbell.rang());
    (void)wf_mailbox_take(&m.box);
}

TEST_CASE("mailbox: close hands out the last batch and refuses the rest", "[mailbox]")
{
    open_mailbox m;
    REQUIRE(m.code == 0);
    message messages[3] = { { {}, 0 }, { {}, 1 }, { {}, 2 } };
    REQUIRE(wf_mailbox_post(&m.box, &messages[0].post) == 0);
    REQUIRE(wf_mailbox_post(&m.box, &messages[1].post) == 0);
    CHECK(numbers(wf_mailbox_close(&m.box)) == std::vector<int>{ 0, 1 });
    CHECK(wf_mailbox_post(&m.box, &messages[2].post) == WEFT_ECLOSED);
    CHECK(wf_mailbox_take(&m.box) == nullptr);
    CHECK_FALSE(wf_mailbox_has_posts(&m.box));
    CHECK_FALSE(wf_mailbox_try_sleep(&m.box));
    CHECK(wf_mailbox_close(&m.box) == nullptr);
}

TEST_CASE("mailbox: a poster wakes the owner who sleeps at the doorbell", "[mailbox][threads]")
{
    open_mailbox m;
    REQUIRE(m.code == 0);
    message one = { {}, 7 };
    REQUIRE(wf_mailbox_try_sleep(&m.box));
    int post_code = -1;
    std::thread poster([&] { post_code = wf_mailbox_post(&m.box, &one.post); });
    pollfd waiting = { m.box.doorbell, POLLIN, 0 };
    int n_ready;
    do {
        n_ready = poll(&waiting, 1, -1);
    } while (n_ready < 0 && errno == EINTR);
    wf_mailbox_wake(&m.box);
    CHECK(n_ready == 1);
    CHECK(numbers(wf_mailbox_take(&m.box)) == std::vector<int>{ 7 });
    poster.join();
    CHECK(post_code == 0);
}

TEST_CASE("mailbox: without a descriptor there is no mailbox", "[mailbox][oom]")
{
    int n_failed = sweep_out_of_memory(
        [] {
            wf_mailbox box;
            int code = wf_mailbox_init(&box);
            if (code == 0) {
                (void)wf_mailbox_close(&box);
                wf_mailbox_fini(&box);
            }
            return code;
        },
        { -EMFILE });
    CHECK(n_failed == 1);
}
