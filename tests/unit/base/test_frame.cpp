/* Frames: where weft_return and weft_fail leave what they are given. */
#include <catch2/catch.hpp>

#include <pthread.h>
#include <thread>

#include "weft/error.h"
#include "weft/result.h"

extern "C" {
#include "base/alloc.h"
#include "base/frame.h"
}

namespace
{

void count_destroy(void *data)
{
    ++*static_cast<int *>(data);
}

} // namespace

TEST_CASE("frame: code outside any frame uses the thread's own", "[frame]")
{
    CHECK(wf_frame_running == nullptr);
    wf_frame *mine = wf_frame_current();
    CHECK(mine == wf_frame_current());
    wf_frame *other = mine;
    std::thread([&] { other = wf_frame_current(); }).join();
    CHECK(other != mine);
}

TEST_CASE("frame: values and errors go to the frame that runs", "[frame]")
{
    wf_frame frame = {};
    wf_frame_running = &frame;
    CHECK(weft_return_int(42) == 0);
    CHECK(weft_fail(WEFT_EUSER(1), "inside") == WEFT_EUSER(1));
    wf_frame_running = nullptr;

    CHECK(weft_current_error() == nullptr);
    CHECK(frame.has_value);
    CHECK(wf_frame_take_value(&frame).as.num == 42);
    CHECK_FALSE(frame.has_value);
    CHECK(wf_frame_take_value(&frame).as.num == 0);

    weft_error *error = wf_frame_take_error(&frame, WEFT_EUSER(1));
    REQUIRE(error != nullptr);
    CHECK(frame.error == nullptr);
    wf_error_unref(error);
    CHECK(wf_frame_take_error(&frame, WEFT_EUSER(1)) == nullptr);
}

TEST_CASE("frame: an error of another code is dropped, not handed on", "[frame]")
{
    wf_frame frame = {};
    wf_frame_running = &frame;
    (void)weft_fail(WEFT_EUSER(1), "handled long ago");
    wf_frame_running = nullptr;
    CHECK(wf_frame_take_error(&frame, WEFT_EUSER(2)) == nullptr);
    CHECK(frame.error == nullptr);
}

TEST_CASE("frame: a second weft_return replaces the first and destroys it", "[frame]")
{
    wf_frame frame = {};
    int n_first = 0;
    int n_second = 0;
    wf_frame_running = &frame;
    CHECK(weft_return_ptr(&n_first, count_destroy) == 0);
    CHECK(n_first == 0);
    CHECK(weft_return_ptr(&n_second, count_destroy) == 0);
    wf_frame_running = nullptr;
    CHECK(n_first == 1);
    CHECK(n_second == 0);
    wf_frame_clear(&frame);
    CHECK(n_second == 1);
    wf_frame_clear(&frame);
    CHECK(n_second == 1);
}

TEST_CASE("frame: a thread that ends gives back its value and error", "[frame][threads]")
{
    int n_destroyed = 0;
    wf_alloc_count_blocks(true);
    std::thread([&] {
        (void)weft_return_ptr(&n_destroyed, count_destroy);
        (void)weft_fail(WEFT_EUSER(1), "left behind");
    }).join();
    CHECK(n_destroyed == 1);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

namespace
{

void fail_at_the_end(void *data)
{
    (void)weft_fail(WEFT_EUSER(1), "from a destructor of the thread");
    (void)data;
}

} // namespace

TEST_CASE("frame: an error met while the thread ends is given back too", "[frame][regress]")
{
    pthread_key_t key;
    wf_alloc_count_blocks(true);
    std::thread([&] {
        (void)wf_frame_current(); /* registers before the key below */
        /* Keys are destroyed in the order of their making: this one comes after. */
        (void)pthread_key_create(&key, fail_at_the_end);
        pthread_setspecific(key, &key);
    }).join();
    pthread_key_delete(key);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}
