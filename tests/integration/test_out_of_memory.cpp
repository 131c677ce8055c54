/*
 * R10: a program that uses most of what one thread can, run again and again with one more
 * allocation allowed each time, until nothing fails: two thousand points and more.
 * Each run ends with a clean error, and leaves no block and no descriptor.
 * Executors have sweeps of their own: their threads give memory back in their own time.
 */
#include "support/io_world.hpp"

#include "support/sweep.hpp"
#include "weft/queue.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/sync.h"

namespace
{

int answer(void *)
{
    return weft_return_int(42);
}

int nap(void *)
{
    WEFT_TRY(weft_sleep(WEFT_US(1)));
    return weft_return_int(1);
}

/* A group of children, and what they came to: 0 or the first child's code. */
int use_group()
{
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);

    if (r == 0) {
        for (int i = 0; i < 4 && r == 0; i++) {
            r = weft_task_group_create_task(group, weft_coro_create(nap, nullptr), nullptr);
        }
        r = weft_task_group_exit(group, r);
    }
    weft_task_group_destroy(group);
    return r;
}

int use_gather()
{
    weft_awaitable *all[] = { weft_coro_create(nap, nullptr), weft_coro_create(answer, nullptr) };
    weft_future *future = nullptr;
    weft_value value = weft_value_none();

    WEFT_TRY(weft_gather(all, 2, 0, &future));
    int r = weft_await(future, &value);
    weft_value_clear(&value);
    weft_future_unref(future);
    return r;
}

int use_limits()
{
    weft_future *shielded = nullptr;

    WEFT_TRY(weft_wait_for(weft_coro_create(nap, nullptr), WEFT_S(1), nullptr));
    WEFT_TRY(weft_shield(weft_coro_create(nap, nullptr), &shielded));
    int r = weft_await(shielded, nullptr);
    weft_future_unref(shielded);
    return r;
}

int use_queue()
{
    weft_queue *queue = nullptr;
    int r = weft_queue_create(0, &queue);

    for (int i = 0; i < 8 && r == 0; i++) {
        r = weft_queue_put_nowait(queue, weft_value_int(i));
    }
    (void)weft_queue_destroy(queue); /* nobody waits */
    return r;
}

int use_lock()
{
    weft_lock *lock = nullptr;
    int r = weft_lock_create(&lock);

    r = r < 0 ? r : weft_lock_acquire(lock);

    if (r == 0) {
        r = weft_lock_release(lock);
    }
    (void)weft_lock_destroy(lock); /* free again */
    return r;
}

int echo(weft_stream *stream, void *)
{
    char *line = nullptr;
    size_t n = 0;

    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    WEFT_TRY(weft_stream_write(stream, line, n));
    return weft_stream_drain(stream);
}

/* One line to a server of our own and back. */
int talk(weft_server *server)
{
    weft_stream *stream = nullptr;
    char *line = nullptr;
    size_t n = 0;

    WEFT_TRY(weft_open_connection("127.0.0.1", weft_server_get_port(server), nullptr, &stream));
    int r = weft_stream_write(stream, "hello\n", 6);
    if (r == 0) {
        r = weft_stream_readline(stream, &line, &n);
    }
    if (r == 0 && n != 6) {
        r = WEFT_ENOMEM; /* the server had none, and hung up */
    }
    weft_stream_abort(stream);
    weft_stream_destroy(stream);
    return r;
}

int use_server()
{
    weft_server *server = nullptr;

    WEFT_TRY(weft_start_server(echo, nullptr, "127.0.0.1", 0, nullptr, &server));
    int r = weft_wait_for(
        weft_coro_create([](void *data) { return talk(static_cast<weft_server *>(data)); }, server),
        WEFT_S(1000), nullptr);
    weft_server_close(server);
    weft_server_abort_clients(server);
    int waited = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return r != 0 ? r : waited;
}

constexpr int n_rounds = 70;

/* The program. Every round allocates anew: nothing is kept from the one before. */
int live(void *)
{
    WEFT_TRY(use_server());
    for (int i = 0; i < n_rounds; i++) {
        WEFT_TRY(use_group());
        WEFT_TRY(use_gather());
        WEFT_TRY(use_limits());
        WEFT_TRY(use_queue());
        WEFT_TRY(use_lock());
    }
    return 0;
}

int run_program()
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop = nullptr;

    options.virtual_clock = 1;
    WEFT_TRY(weft_new_event_loop(&options, &loop));
    int r = weft_loop_run_until_complete(loop, weft_coro_create(live, nullptr), nullptr);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return r;
}

} // namespace

TEST_CASE("R10: the whole library without memory, at two thousand points", "[R10][oom]")
{
    log_recorder log; /* what is given up half way is reported */
    REQUIRE(run_program() == 0);
    int before = n_descriptors();
    int n_points = sweep_out_of_memory(run_program,
                                       { WEFT_ENOSTACK, WEFT_EGROUP, WEFT_ETIMEDOUT, WEFT_ECANCELED,
                                         -EMFILE, -ENOSPC, -EAGAIN, -ECONNRESET });
    CHECK(n_points >= 2000);
    CHECK(n_descriptors() == before);
    std::printf("R10: %d points\n", n_points);
}
