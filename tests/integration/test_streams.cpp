/*
 * Real servers and many clients on loopback, on the real clock: bytes come back
 * exactly, memory stays bounded, and clients that behave badly leave nothing
 * behind (R17, R23).
 */
#include "support/io_world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "support/seed.hpp"

namespace
{

constexpr int many_turns = 10000000; /* of a busy loop: the test's time limit is the real one */

int echo(weft_stream *stream, void *)
{
    char *data;
    size_t n;

    weft_stream_set_read_limit(stream, WEFT_S(2));
    weft_stream_set_write_limit(stream, WEFT_S(2));
    for (;;) {
        int code = weft_stream_read_view(stream, &data, &n);
        if (code < 0 || n == 0) {
            return code == WEFT_ETIMEDOUT ? 0 : code;
        }
        code = weft_stream_write(stream, data, n);
        code = code < 0 ? code : weft_stream_drain(stream);
        if (code < 0) {
            weft_stream_abort(stream);
            return code == WEFT_ETIMEDOUT ? 0 : code;
        }
    }
}

int end(weft_stream *stream)
{
    weft_stream_close(stream);
    int code = weft_stream_wait_closed(stream);
    weft_stream_destroy(stream);
    return code;
}

int end(weft_server *server)
{
    weft_server_close(server);
    int code = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return code;
}

/* Bytes that follow from a seed, so that nothing must be kept to compare. */
class byte_source
{
  public:
    explicit byte_source(unsigned seed) : random(seed)
    {
    }
    void fill(char *buffer, size_t n)
    {
        for (size_t i = 0; i < n; i++) {
            buffer[i] = static_cast<char>(random() >> 11);
        }
    }

  private:
    std::minstd_rand random;
};

/* Write and read at the same time; 0 when every byte came back in its place. */
int verify_echo(world &w, int port, unsigned seed, size_t total, size_t *out_most_queued)
{
    weft_stream *stream = nullptr;
    WEFT_TRY(weft_open_connection("127.0.0.1", port, nullptr, &stream));
    weft_task *writer = w.spawn([=] {
        byte_source source(seed);
        std::minstd_rand sizes(seed + 1);
        std::vector<char> buffer(40000);
        for (size_t sent = 0; sent < total;) {
            size_t n = std::min<size_t>(sizes() % buffer.size() + 1, total - sent);
            source.fill(buffer.data(), n);
            WEFT_TRY(weft_stream_write(stream, buffer.data(), n));
            *out_most_queued =
                std::max(*out_most_queued, weft_stream_get_write_buffer_size(stream));
            WEFT_TRY(weft_stream_drain(stream));
            sent += n;
        }
        return weft_stream_write_eof(stream);
    });
    byte_source source(seed);
    std::vector<char> expected(65536);
    size_t got = 0;
    int code = 0;
    for (;;) {
        char *data;
        size_t n;
        code = weft_stream_read_view(stream, &data, &n);
        if (code < 0 || n == 0) {
            break;
        }
        source.fill(expected.data(), n);
        if (memcmp(expected.data(), data, n) != 0) {
            code = WEFT_EUSER(1);
            break;
        }
        got += n;
    }
    int written = weft_await(writer, nullptr);
    end(stream);
    return code < 0 ? code : written < 0 ? written : got == total ? 0 : WEFT_EUSER(2);
}

} // namespace

TEST_CASE("R23: many clients get their own bytes back, exactly", "[integration][R23]")
{
    world w(/* is_virtual = */ false);
    const unsigned seed = stress_seed();
    std::vector<int> codes;
    size_t most_queued = 0;
    weft_server_stats stats = WEFT_SERVER_STATS_INIT;

    INFO("seed " << seed);
    int code = w.run(
        [&] {
            weft_server *server = nullptr;
            WEFT_TRY(weft_start_server(echo, nullptr, "127.0.0.1", 0, nullptr, &server));
            int port = weft_server_get_port(server);
            std::vector<weft_task *> clients;
            for (unsigned i = 0; i < 64; i++) {
                clients.push_back(w.spawn([&, i, port] {
                    return verify_echo(w, port, seed + i, i % 8 == 0 ? 4000000 : 1000 * i,
                                       &most_queued);
                }));
            }
            for (weft_task *client : clients) {
                codes.push_back(weft_await(client, nullptr));
            }
            weft_server_get_stats(server, &stats);
            return end(server);
        },
        many_turns);
    CHECK(code == 0);
    CHECK(codes == std::vector<int>(64, 0));
    CHECK(stats.accepted == 64);
    CHECK(most_queued <= 65536 + 40000); /* the high-water mark and one write */
}

TEST_CASE("streams: several loops on threads of their own share a port", "[integration][threads]")
{
    constexpr int n_loops = 2;
    constexpr int n_clients = 40;
    std::atomic<int> port{ 0 };
    std::atomic<int> n_ready{ 0 };
    std::atomic<bool> is_over{ false };
    std::atomic<size_t> n_accepted{ 0 };
    std::vector<std::thread> threads;
    std::vector<int> codes(n_loops, 1);
    int n_good = 0;

    for (int i = 0; i < n_loops; i++) {
        threads.emplace_back([&, i] {
            weft_loop *loop = nullptr;
            weft_new_event_loop(nullptr, &loop);
            body serve = [&] {
                weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
                weft_server *server = nullptr;
                options.reuse_port = 1;
                while (i > 0 && port == 0) {
                    weft_sleep(WEFT_MS(1));
                }
                WEFT_TRY(weft_start_server(echo, nullptr, "127.0.0.1", port, &options, &server));
                port = weft_server_get_port(server);
                n_ready++;
                while (!is_over) {
                    weft_sleep(WEFT_MS(1));
                }
                weft_server_stats stats = WEFT_SERVER_STATS_INIT;
                weft_server_get_stats(server, &stats);
                n_accepted += stats.accepted;
                return end(server);
            };
            codes[i] =
                weft_loop_run_until_complete(loop, weft_coro_create(run_body, &serve), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
        });
    }
    {
        world w(/* is_virtual = */ false);
        w.run(
            [&] {
                while (n_ready < n_loops) {
                    weft_sleep(WEFT_MS(1));
                }
                size_t most_queued = 0;
                std::vector<weft_task *> clients;
                for (unsigned i = 0; i < n_clients; i++) {
                    clients.push_back(
                        w.spawn([&, i] { return verify_echo(w, port, i, 10000, &most_queued); }));
                }
                for (weft_task *client : clients) {
                    n_good += weft_await(client, nullptr) == 0;
                }
                is_over = true;
                return 0;
            },
            many_turns);
        is_over = true;
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(codes == std::vector<int>(n_loops, 0));
    CHECK(n_good == n_clients);
    CHECK(n_accepted == n_clients);
}

/* ---- R17 ---------------------------------------------------------------- */

namespace
{

int put(weft_stream *stream, const char *text)
{
    return weft_stream_write(stream, text, strlen(text));
}

/* Ten ways to be a bad guest; each ends with its descriptor gone. */
int be_rude(int kind, int port, std::atomic<int> *out_n_answers)
{
    weft_stream *stream = nullptr;
    char buffer[64];
    size_t n = 0;

    WEFT_TRY(weft_open_connection("127.0.0.1", port, nullptr, &stream));
    switch (kind) {
    case 0: /* says nothing and goes */
        break;
    case 1: /* is torn away at once */
        weft_stream_abort(stream);
        break;
    case 2: /* is torn away behind its data */
        put(stream, "data");
        weft_stream_abort(stream);
        break;
    case 3: /* goes without waiting for the answer */
        put(stream, "data");
        break;
    case 4: /* half-closes and is owed an answer */
        put(stream, "question");
        weft_stream_write_eof(stream);
        if (weft_stream_readexactly(stream, buffer, 8, &n) == 0) {
            ++*out_n_answers;
        }
        break;
    case 5: /* half-closes, says nothing */
        weft_stream_write_eof(stream);
        (void)weft_stream_read(stream, buffer, sizeof buffer, &n);
        break;
    case 6: /* speaks a byte at a time */
        for (int i = 0; i < 8; i++) {
            put(stream, "x");
            weft_sleep(0);
        }
        break;
    case 7: { /* asks for much and reads nothing of it */
        std::vector<char> much(300000, 'x');
        weft_stream_write(stream, much.data(), much.size());
        weft_sleep(WEFT_MS(20));
        weft_stream_abort(stream);
        break;
    }
    case 8: /* closes its ears only */
        shutdown(weft_stream_get_fd(stream), SHUT_RD);
        put(stream, "data");
        weft_sleep(WEFT_MS(5));
        break;
    case 9: /* sits there */
        weft_sleep(WEFT_MS(50));
        break;
    }
    weft_stream_abort(stream);
    weft_stream_destroy(stream);
    return 0;
}

} // namespace

TEST_CASE("R17: two thousand rude clients of ten kinds leave nothing behind", "[integration][R17]")
{
    log_recorder log;
    constexpr int n_at_once = 100;
    constexpr int n_rounds = 20;
    world w(/* is_virtual = */ false);
    std::atomic<int> n_answers{ 0 };
    int n_connected = 0;
    int n_healthy = 0;
    int n_healthy_failed = 0;
    int before = 0;
    int after = 0;
    size_t left = 1;

    int code = w.run(
        [&] {
            weft_server *server = nullptr;
            WEFT_TRY(weft_start_server(echo, nullptr, "127.0.0.1", 0, nullptr, &server));
            int port = weft_server_get_port(server);
            bool is_over = false;
            weft_stream *healthy = nullptr;
            WEFT_TRY(weft_open_connection("127.0.0.1", port, nullptr, &healthy));
            before = n_descriptors();
            weft_task *insider = w.spawn([&] {
                while (!is_over) {
                    char buffer[8];
                    size_t n = 0;
                    bool is_good = put(healthy, "healthy!") == 0 &&
                                   weft_stream_readexactly(healthy, buffer, 8, &n) == 0 &&
                                   memcmp(buffer, "healthy!", 8) == 0;
                    n_healthy++;
                    n_healthy_failed += !is_good;
                    WEFT_TRY(weft_sleep(WEFT_MS(1)));
                }
                return 0;
            });
            for (int round = 0; round < n_rounds; round++) {
                std::vector<weft_task *> guests;
                for (int i = 0; i < n_at_once; i++) {
                    guests.push_back(
                        w.spawn([&, i, port] { return be_rude(i % 10, port, &n_answers); }));
                }
                for (weft_task *guest : guests) {
                    n_connected += weft_await(guest, nullptr) == 0;
                }
            }
            is_over = true;
            weft_await(insider, nullptr);
            weft_server_stats stats = WEFT_SERVER_STATS_INIT;
            do {
                weft_sleep(WEFT_MS(1));
                weft_server_get_stats(server, &stats);
            } while (stats.connections > 1);
            after = n_descriptors();
            left = stats.connections;
            end(healthy);
            return end(server);
        },
        many_turns);
    CHECK(code == 0);
    CHECK(n_connected == n_at_once * n_rounds);
    CHECK(n_answers == n_at_once * n_rounds / 10);
    CHECK(n_healthy > n_rounds);
    CHECK(n_healthy_failed == 0);
    CHECK(after <= before + 5);
    CHECK(left == 1);
    CHECK(log.records().empty());
}
