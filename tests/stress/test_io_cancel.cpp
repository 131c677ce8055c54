/*
 * R14 for streams and servers: a cancel at the moment of completion, seeded. What
 * was opened is closed, no byte is lost, no accepted cancel is without effect.
 */
#include "support/io_world.hpp"

#include <random>
#include <vector>

#include "support/quick_task.hpp"
#include "support/seed.hpp"

namespace
{

/* CI runs 10^5 cancels in all, nightly 10^6. */
const int n_rounds = static_cast<int>(stress_size(is_slow_build() ? 30000 : 100000, 400000));
constexpr int many_turns = 100000000;

using dice = std::minstd_rand;

} // namespace

TEST_CASE("R14: reads cancelled at the moment of completion lose no byte", "[stress][R14]")
{
    const unsigned seed = stress_seed();
    world w;
    size_t n_lost_cancels = 0;
    size_t n_cancelled = 0;
    std::string sent;
    std::string got;

    INFO("seed " << seed);
    w.run(
        [&] {
            dice random(seed);
            pair p;
            int n_lines = 0;
            for (int i = 0; i < n_rounds; i++) {
                std::string piece = std::to_string(i) + (random() % 2 ? "\n" : "-");
                n_lines++;
                unsigned kind = random() % 4;
                {
                    quick_task reader([&] {
                        char buffer[7];
                        char *data;
                        size_t n = 0;
                        int code = 0;
                        switch (kind) {
                        case 0:
                            code = weft_stream_read(p.stream, buffer, sizeof buffer, &n);
                            data = buffer;
                            break;
                        case 1:
                            code = weft_stream_read_view(p.stream, &data, &n);
                            break;
                        case 2:
                            code = weft_stream_readline(p.stream, &data, &n);
                            break;
                        default:
                            code = weft_stream_readexactly(p.stream, buffer, 5, &n);
                            data = buffer;
                            break;
                        }
                        if (code == 0) {
                            got.append(data, n);
                        }
                        return code;
                    });
                    settle(static_cast<int>(random() % 2));
                    p.send(piece);
                    sent += piece;
                    bool is_taken = reader.cancel_after(random() % 4);
                    n_cancelled += is_taken;
                    n_lost_cancels += is_taken && reader.code != WEFT_ECANCELED;
                }
            }
            p.hang_up();
            char *data;
            size_t n;
            while (weft_stream_read_view(p.stream, &data, &n) == 0 && n > 0) {
                got.append(data, n);
            }
            return n_lines == n_rounds ? 0 : -1;
        },
        many_turns);
    CHECK(n_cancelled > static_cast<size_t>(n_rounds) / 10);
    CHECK(n_cancelled < static_cast<size_t>(n_rounds));
    CHECK(n_lost_cancels == 0);
    CHECK(got == sent);
}

TEST_CASE("R14: connects and accepts cancelled at the moment of completion leak nothing",
          "[stress][R14]")
{
    log_recorder log;
    const unsigned seed = stress_seed();
    world w;
    size_t n_lost_cancels = 0;
    size_t n_cancelled = 0;
    size_t n_opened = 0;
    int before = 0;
    int after = 0;
    weft_server_stats stats = WEFT_SERVER_STATS_INIT;

    INFO("seed " << seed);
    int code = w.run(
        [&] {
            dice random(seed);
            weft_server *server = nullptr;
            auto greet = [](weft_stream *stream, void *) -> int {
                char byte;
                size_t n;
                WEFT_TRY(weft_stream_write(stream, "x", 1));
                return weft_stream_read(stream, &byte, 1, &n);
            };
            WEFT_TRY(weft_start_server(greet, nullptr, "127.0.0.1", 0, nullptr, &server));
            int port = weft_server_get_port(server);
            before = n_descriptors();
            for (int i = 0; i < n_rounds / 10; i++) {
                quick_task client([&] {
                    weft_stream *stream = nullptr;
                    int r = weft_open_connection("127.0.0.1", port, nullptr, &stream);
                    if (r < 0) {
                        return r;
                    }
                    n_opened++;
                    char byte;
                    size_t n = 0;
                    r = weft_stream_read(stream, &byte, 1, &n);
                    weft_stream_abort(stream);
                    weft_stream_destroy(stream);
                    return r;
                });
                if (random() % 4 == 0) {
                    settle(static_cast<int>(random() % 6));
                    weft_server_close_clients(server);
                }
                bool is_taken = client.cancel_after(random() % 8);
                n_cancelled += is_taken;
                n_lost_cancels += is_taken && client.code != WEFT_ECANCELED;
            }
            do { /* those whose clients are gone must notice */
                weft_sleep(WEFT_MS(1));
                weft_server_get_stats(server, &stats);
            } while (stats.connections > 0);
            after = n_descriptors();
            weft_server_close(server);
            int r = weft_server_wait_closed(server);
            weft_server_destroy(server);
            return r;
        },
        many_turns);
    CHECK(code == 0);
    CHECK(n_cancelled > static_cast<size_t>(n_rounds) / 100);
    CHECK(n_lost_cancels == 0);
    CHECK(n_opened > 0);
    CHECK(stats.accepted >= n_opened);
    CHECK(after == before);
    CHECK(log.records().empty());
}

TEST_CASE("R14: drains cancelled while the queue goes lose no byte", "[stress][R14]")
{
    const unsigned seed = stress_seed();
    world w;
    size_t n_lost_cancels = 0;
    size_t n_cancelled = 0;
    size_t sent = 0;
    size_t got = 0;

    INFO("seed " << seed);
    w.run(
        [&] {
            dice random(seed);
            weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
            options.high_water = 1000;
            pair p(&options, 4096);
            static const char bytes[20000] = {};
            for (int i = 0; i < n_rounds / 10; i++) {
                size_t n = random() % sizeof bytes;
                WEFT_TRY(weft_stream_write(p.stream, bytes, n));
                sent += n;
                quick_task drainer([&] { return weft_stream_drain(p.stream); });
                settle(static_cast<int>(random() % 3));
                if (random() % 4 != 0) {
                    got += p.received().size();
                }
                bool is_taken = drainer.cancel_after(random() % 4);
                n_cancelled += is_taken;
                n_lost_cancels += is_taken && drainer.code != WEFT_ECANCELED;
            }
            weft_stream_close(p.stream);
            while (weft_stream_get_fd(p.stream) >= 0) {
                got += p.received().size();
                settle(1);
            }
            got += p.received().size();
            return 0;
        },
        many_turns);
    CHECK(n_cancelled > 0);
    CHECK(n_lost_cancels == 0);
    CHECK(got == sent);
}
