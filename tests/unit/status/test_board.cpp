/* The board of figures and the text that is made of it (daemon/status). */
#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "status/board.h"
#include "status/text.h"

namespace
{

struct Board {
    board *writer = nullptr;
    const board *reader = nullptr;

    Board()
    {
        REQUIRE(board_create(&writer) == 0);
        int fd = board_open_reader(writer);
        REQUIRE(fd >= 0);
        REQUIRE(board_map(fd, &reader) == 0);
        close(fd);
    }
    ~Board()
    {
        board_unmap(reader);
        board_destroy(writer);
    }
    Board(const Board &) = delete;

    void say(std::initializer_list<std::pair<int, board_state>> states)
    {
        board_supervisor row = {};
        strcpy(row.state, "serving");
        row.is_ready = 1;
        row.beat_at = static_cast<uint64_t>(weft_clock_now());
        for (auto each : states) {
            row.states[each.first] = each.second;
        }
        board_set_supervisor(writer, &row);
    }
    std::string text() const
    {
        char *text = nullptr;
        size_t length = 0;
        REQUIRE(metrics_take(reader, &text, &length) == 0);
        std::string all(text, length);
        free(text);
        return all;
    }
};

/* A worker that publishes <n> of everything, on one loop. */
struct Worker {
    board_slot *slot = nullptr;

    Worker(const Board &board, int number)
    {
        REQUIRE(board_map_slot(board_get_fd(board.writer), number, &slot) == 0);
    }
    ~Worker()
    {
        board_unmap_slot(slot);
    }
    Worker(const Worker &) = delete;

    void publish(uint64_t n, const char *service = "web", const char *listener = "main") const
    {
        board_worker worker = {};
        board_loop loop = {};
        board_executor executor = {};
        board_server server = {};

        loop.n_turns = loop.n_tasks = loop.n_tasks_made = loop.busy_for = loop.counted_at = n;
        loop.turn.buckets[0] = n;
        loop.turn.sum = static_cast<weft_duration>(n);
        strcpy(executor.name, "default");
        executor.n_done = executor.n_threads = n;
        strcpy(server.service, service);
        strcpy(server.listener, listener);
        server.n_accepted = server.n_connections = server.n_read = n;
        worker.n_loops = worker.n_executors = worker.n_servers = 1;
        worker.cpu = worker.resident = n;
        worker.published_at = static_cast<uint64_t>(weft_clock_now());
        board_store(&slot->loops[0], &loop, sizeof loop);
        board_store(&slot->executors[0], &executor, sizeof executor);
        board_store(&slot->servers[0], &server, sizeof server);
        board_store(&slot->worker, &worker, sizeof worker);
        __atomic_store_n(&slot->is_published, 1, __ATOMIC_RELEASE);
    }
};

struct Sample : board_sample {
    explicit Sample(const Board &board)
    {
        REQUIRE(board_take(board.reader, this) == 0);
    }
    ~Sample()
    {
        board_sample_fini(this);
    }
    Sample(const Sample &) = delete;
};

} // namespace

TEST_CASE("board: nothing was said yet", "[status]")
{
    Board board;
    Sample sample(board);

    CHECK(sample.n_loops == 0);
    CHECK(sample.n_executors == 0);
    CHECK(sample.n_servers == 0);
    CHECK(sample.supervisor.is_ready == 0);
}

TEST_CASE("board: generations are added up, gauges of the living only", "[status]")
{
    Board board;
    int first = board_claim(board.writer);
    int second = board_claim(board.writer);
    REQUIRE(first != second);
    REQUIRE(first > BOARD_RETIRED);
    {
        Worker one(board, first), two(board, second);
        one.publish(5);
        two.publish(7);
    }
    board.say({ { first, BOARD_DRAINING }, { second, BOARD_SERVING } });
    {
        Sample sample(board);
        REQUIRE(sample.n_loops == 1);
        CHECK(sample.loops[0].n_turns == 12);
        CHECK(sample.loops[0].n_tasks == 12);
        CHECK(sample.loops[0].busy_for == 7);
        CHECK(sample.loops[0].turn.buckets[0] == 12);
        CHECK(sample.n_servers == 1);
        CHECK(sample.servers[0].n_accepted == 12);
        CHECK(sample.servers[0].n_connections == 12);
        CHECK(sample.n_generations[BOARD_SERVING] == 1);
        CHECK(sample.n_generations[BOARD_DRAINING] == 1);
        CHECK(sample.resident == 12);
    }
    board_retire(board.writer, first);
    board.say({ { second, BOARD_SERVING } });
    {
        Sample sample(board);
        CHECK(sample.loops[0].n_turns == 12);
        CHECK(sample.loops[0].n_tasks_made == 12);
        CHECK(sample.loops[0].n_tasks == 7);
        CHECK(sample.loops[0].turn.buckets[0] == 12);
        CHECK(sample.executors[0].n_done == 12);
        CHECK(sample.executors[0].n_threads == 7);
        CHECK(sample.servers[0].n_accepted == 12);
        CHECK(sample.servers[0].n_connections == 7);
        CHECK(sample.cpu == 12);
        CHECK(sample.resident == 7);
        CHECK(sample.n_generations[BOARD_DRAINING] == 0);
    }
    REQUIRE(board_claim(board.writer) == first); /* free again, and empty */
    Worker again(board, first);
    CHECK(again.slot->is_published == 0);
    CHECK(again.slot->loops[0].n_turns == 0);
}

TEST_CASE("board: what is retired twice or never was counts once or not", "[status]")
{
    Board board;
    int slot = board_claim(board.writer);
    {
        Worker worker(board, slot);
        worker.publish(3);
    }
    board_retire(board.writer, slot);
    board_retire(board.writer, slot);
    board_retire(board.writer, BOARD_NO_SLOT);
    board_retire(board.writer, BOARD_RETIRED);
    board_retire(board.writer, BOARD_N_SLOTS);
    Sample sample(board);
    CHECK(sample.servers[0].n_accepted == 3);
}

TEST_CASE("board: all slots taken", "[status]")
{
    Board board;
    for (int i = 1; i < BOARD_N_SLOTS; i++) {
        REQUIRE(board_claim(board.writer) == i);
    }
    CHECK(board_claim(board.writer) == BOARD_NO_SLOT);
}

TEST_CASE("board: names of many reloads do not grow without end", "[status]")
{
    Board board;
    for (int i = 0; i < BOARD_MAX_SERVERS + 8; i++) {
        int slot = board_claim(board.writer);
        {
            Worker worker(board, slot);
            worker.publish(1, ("service-" + std::to_string(i)).c_str());
        }
        board_retire(board.writer, slot);
    }
    Sample sample(board);
    CHECK(sample.n_servers == BOARD_MAX_SERVERS);
}

TEST_CASE("board: nonsense in a slot does no harm", "[status]")
{
    Board board;
    int slot = board_claim(board.writer);
    Worker worker(board, slot);

    memset(static_cast<void *>(worker.slot), 0xff, sizeof *worker.slot);
    board.say({ { slot, BOARD_SERVING } });
    Sample sample(board);
    CHECK(sample.n_loops == BOARD_MAX_LOOPS);
    CHECK(sample.n_executors == 1); /* all have the same name */
    CHECK(strlen(sample.executors[0].name) < BOARD_NAME_SIZE);
    CHECK(!board.text().empty());
}

TEST_CASE("board: a reader cannot write, a worker cannot shrink it", "[status]")
{
    Board board;
    int fd = board_open_reader(board.writer);

    CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK(ftruncate(board_get_fd(board.writer), 0) != 0);
    board_slot *slot = nullptr;
    CHECK(board_map_slot(board_get_fd(board.writer), BOARD_RETIRED, &slot) < 0);
    CHECK(board_map_slot(board_get_fd(board.writer), BOARD_N_SLOTS, &slot) < 0);
    CHECK(slot == nullptr);
    close(fd);

    int other = memfd_create("other", MFD_CLOEXEC);
    const struct board *reader = nullptr;
    CHECK(board_map(other, &reader) < 0);
    CHECK(board_map_slot(other, 1, &slot) < 0);
    CHECK(reader == nullptr);
    close(other);
}

TEST_CASE("metrics text: values, labels and their escapes", "[status]")
{
    Board board;
    int slot = board_claim(board.writer);
    {
        Worker worker(board, slot);
        worker.publish(9, "we\"b\\\n", "main");
    }
    board.say({ { slot, BOARD_SERVING } });
    std::string text = board.text();
    auto has = [&](const char *line) { return text.find(line) != std::string::npos; };

    CHECK(has("\nweft_listener_connections_accepted_total{service=\"we\\\"b\\\\\\n\","
              "listener=\"main\"} 9\n"));
    CHECK(has("\n# TYPE weft_loop_turns_total counter\nweft_loop_turns_total{loop=\"0\"} 9\n"));
    CHECK(has("\nweft_loop_turn_seconds_bucket{loop=\"0\",le=\"8.192e-06\"} 9\n"));
    CHECK(has("\nweft_loop_turn_seconds_bucket{loop=\"0\",le=\"+Inf\"} 9\n"
              "weft_loop_turn_seconds_sum{loop=\"0\"} 9e-09\n"
              "weft_loop_turn_seconds_count{loop=\"0\"} 9\n"));
    CHECK(has("\nweft_loop_busy_seconds{loop=\"0\"} 9e-09\n"));
    CHECK(has("\nweft_ready 1\n"));
    CHECK(has("\nweft_worker_generations{state=\"serving\"} 1\n"));
    CHECK(text.back() == '\n');
}
