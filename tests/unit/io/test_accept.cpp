/*
 * Accepting when it fails: R07, a storm of clients without descriptors, and
 * R08, errors of accept that last. The clock is virtual: five seconds of trouble
 * take no time, and what they cost is counted in calls, turns and processor time.
 */
#include "support/protocol_recorder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <vector>

extern "C" {
#include "io/io.h"
}

namespace
{

/* What the seam does instead of accept4, for so many calls; negative: always. */
struct trouble {
    int error = 0;
    long n_left = 0;
    long n_calls = 0;
    bool is_short = false; /* only while the reserve is kept */
    wf_io *io = nullptr;
};
trouble now;

int accept_with_trouble(int fd, sockaddr *address, socklen_t *len, int flags)
{
    now.n_calls++;
    if (now.n_left != 0 && !(now.is_short && now.io->reserve < 0)) {
        now.n_left -= now.n_left > 0;
        errno = now.error;
        return -1;
    }
    return accept4(fd, address, len, flags);
}

void plant(int error, long n)
{
    wf_io_get(weft_get_running_loop(), &now.io);
    now.io->accept = accept_with_trouble;
    now.error = error;
    now.n_left = n;
    now.n_calls = 0;
    now.is_short = false;
}

int greet(weft_stream *stream, void *)
{
    char byte;
    size_t n;

    WEFT_TRY(weft_stream_write(stream, "hello", 5));
    return weft_stream_read(stream, &byte, 1, &n);
}

weft_server *start(size_t max_connections = 0)
{
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
    weft_server *server = nullptr;

    options.max_connections = max_connections;
    weft_start_server(greet, nullptr, "127.0.0.1", 0, &options, &server);
    return server;
}

weft_stream *connect_to(weft_server *server)
{
    weft_stream *stream = nullptr;
    if (weft_open_connection("127.0.0.1", weft_server_get_port(server), nullptr, &stream) < 0) {
        return nullptr;
    }
    return stream;
}

void end(weft_stream *stream)
{
    weft_stream_close(stream);
    weft_stream_destroy(stream);
}

int end(weft_server *server)
{
    weft_server_close(server);
    int code = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return code;
}

weft_server_stats stats_of(weft_server *server)
{
    weft_server_stats stats = WEFT_SERVER_STATS_INIT;
    weft_server_get_stats(server, &stats);
    return stats;
}

/* Beats every 10 ms; how many there were in a time tells whether the loop was free. */
struct heartbeat {
    int n = 0;
    weft_task *task = nullptr;

    explicit heartbeat(world &w)
    {
        task = w.spawn([this] {
            for (;;) {
                WEFT_TRY(weft_sleep(WEFT_MS(10)));
                n++;
            }
        });
    }
    void stop()
    {
        weft_task_cancel(task, nullptr);
        weft_await(task, nullptr);
    }
};

/* The processor time that this thread has used, whatever the clock on the wall says. */
weft_duration cpu_time()
{
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return WEFT_S(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           WEFT_US(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Five seconds of the loop's time may cost 5 % of that. */
const weft_duration CPU_LIMIT = WEFT_MS(250);

/* How one errno that lasts for five seconds is got over. */
struct outcome {
    int n_beats = 0;
    long n_calls = 0;
    uint64_t n_turns = 0;
    uint64_t n_errors = 0;
    size_t n_reports = 0;
    std::string greeting;
    weft_duration back = 0;
    weft_duration cpu = 0;
};

outcome get_over(int error)
{
    log_recorder log;
    world w;
    outcome o;

    w.run(
        [&] {
            weft_server *server = start();
            plant(error, -1);
            heartbeat beats(w);
            uint64_t n_turns = w.loop->n_turns;
            weft_stream *client = connect_to(server);
            weft_duration cpu = cpu_time();
            weft_sleep(WEFT_S(5));
            o.cpu = cpu_time() - cpu;
            o.n_beats = beats.n;
            o.n_calls = now.n_calls;
            o.n_turns = w.loop->n_turns - n_turns;
            o.n_errors = stats_of(server).accept_errors;
            o.n_reports = log.records().size();
            now.n_left = 0;
            weft_time begin = weft_loop_time(nullptr);
            weft_stream *late = connect_to(server); /* an edge, also where EAGAIN was a lie */
            o.greeting = read_text(client);
            o.back = weft_loop_time(nullptr) - begin;
            beats.stop();
            end(client);
            end(late);
            return end(server);
        },
        100000);
    return o;
}

} // namespace

TEST_CASE("R08: accept errors that last cost next to nothing and are got over", "[server][R08]")
{
    for (int error : { ENOMEM, ENFILE, EPERM, ENOBUFS, ECONNABORTED, EINTR, EAGAIN, EMFILE }) {
        INFO("errno " << error);
        outcome o = get_over(error);
        CHECK(o.n_beats >= 499);
        CHECK(o.n_turns <= 1100); /* two a beat, and the pauses */
        CHECK(o.n_calls <= 50 * 70);
        CHECK(o.cpu <= CPU_LIMIT);
        CHECK(o.n_errors <= 50);
        CHECK(o.n_reports <= 5);
        if (error != EAGAIN) { /* that is no error */
            CHECK(o.n_errors >= 49);
            CHECK(o.n_reports >= 4);
        }
        CHECK(o.greeting == "hello");
        CHECK(o.back <= WEFT_S(1));
    }
}

TEST_CASE("R08: a server of callback protocols gets over them too", "[server][R08]")
{
    for (int error : { ENFILE, ENOMEM, EPERM }) {
        log_recorder log;
        world w;
        recorder r;
        int n_beats = 0;
        weft_duration cpu = 0;
        INFO("errno " << error);
        int code = w.run(
            [&] {
                weft_server *server = nullptr;
                WEFT_TRY(weft_loop_create_server(nullptr, recorder::make, &r, "127.0.0.1", 0,
                                                 nullptr, &server));
                plant(error, -1);
                heartbeat beats(w);
                weft_stream *client = connect_to(server);
                cpu = cpu_time();
                weft_sleep(WEFT_S(5));
                cpu = cpu_time() - cpu;
                n_beats = beats.n;
                now.n_left = 0;
                weft_sleep(WEFT_S(1));
                beats.stop();
                end(client);
                return end(server);
            },
            100000);
        CHECK(code == 0);
        CHECK(r.text() == "made eof lost");
        CHECK(n_beats >= 499);
        CHECK(cpu <= CPU_LIMIT);
        CHECK(log.records().size() <= 5);
    }
}

TEST_CASE("R08: a thousand errors, then a client is served", "[server][R08]")
{
    for (int error : { ENOMEM, EPERM, ENOBUFS, ECONNABORTED, EINTR }) {
        log_recorder log;
        world w;
        std::string greeting;
        INFO("errno " << error);
        w.run(
            [&] {
                weft_server *server = start();
                plant(error, 1000);
                weft_stream *client = connect_to(server);
                greeting = read_text(client);
                end(client);
                return end(server);
            },
            100000);
        CHECK(greeting == "hello");
        CHECK(now.n_left == 0);
    }
}

TEST_CASE("accept: a client that is gone costs only itself", "[server]")
{
    log_recorder log;
    world w;
    std::string greeting;
    uint64_t errors = 1;

    w.run([&] {
        weft_server *server = start();
        plant(ECONNABORTED, 5);
        weft_time begin = weft_loop_time(nullptr);
        weft_stream *client = connect_to(server);
        greeting = read_text(client);
        errors = stats_of(server).accept_errors;
        if (weft_loop_time(nullptr) != begin) {
            greeting += " late";
        }
        end(client);
        return end(server);
    });
    CHECK(greeting == "hello");
    CHECK(errors == 0);
    CHECK(log.records().empty());
}

TEST_CASE("accept: without descriptors those who waited a whole pause are shed", "[server]")
{
    log_recorder log;
    world w;
    std::vector<size_t> shed;
    std::vector<std::string> got;

    w.run([&] {
        weft_server *server = start();
        plant(EMFILE, -1);
        now.is_short = true;
        weft_stream *clients[3];
        for (weft_stream *&client : clients) {
            client = connect_to(server);
        }
        settle();
        shed.push_back(stats_of(server).shed);
        weft_sleep(WEFT_MS(150));
        shed.push_back(stats_of(server).shed);
        for (weft_stream *client : clients) {
            got.push_back(read_text(client));
            end(client);
        }
        now.n_left = 0;
        shed.push_back(now.io->reserve >= 0);
        return end(server);
    });
    CHECK(shed == std::vector<size_t>{ 0, 3, 1 });
    CHECK(got == std::vector<std::string>{ "", "", "" });
    CHECK(log.has("socket.accept() out of system resource"));
}

TEST_CASE("accept: a connection that ends ends the pause", "[server]")
{
    log_recorder log;
    world w;
    std::string greeting;
    weft_duration took = -1;

    w.run([&] {
        weft_server *server = start();
        weft_stream *first = connect_to(server);
        read_text(first);
        plant(EMFILE, -1);
        weft_stream *second = connect_to(server);
        settle();
        now.n_left = 0;
        weft_time begin = weft_loop_time(nullptr);
        end(first); /* its descriptor is free now */
        greeting = read_text(second);
        took = weft_loop_time(nullptr) - begin;
        end(second);
        return end(server);
    });
    CHECK(greeting == "hello");
    CHECK(took == 0);
}

TEST_CASE("accept: many clients at once do not keep the loop for themselves", "[server]")
{
    world w;
    std::vector<size_t> accepted;

    w.run([&] {
        weft_server *server = start();
        std::vector<int> clients;
        for (int i = 0; i < 200; i++) { /* all in the kernel's queue before a turn passes */
            sockaddr_in address = {};
            address.sin_family = AF_INET;
            address.sin_port = htons(static_cast<uint16_t>(weft_server_get_port(server)));
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
            clients.push_back(fd);
        }
        for (int i = 0; i < 8; i++) {
            accepted.push_back(stats_of(server).accepted);
            weft_loop_call_soon(
                nullptr, [](void *) { return 0; }, nullptr, nullptr);
            weft_sleep(0);
        }
        for (int fd : clients) {
            ::close(fd);
        }
        return end(server);
    });
    for (size_t i = 1; i < accepted.size(); i++) {
        CHECK(accepted[i] - accepted[i - 1] <= 64);
    }
    CHECK(accepted.back() == 200);
}

TEST_CASE("accept: the exception handler may close the server that it hears of", "[server]")
{
    static weft_server *server;
    world w;
    int n_reports = 0;
    bool is_open = true;

    weft_loop_set_exception_handler(
        w.loop,
        [](weft_loop *, const weft_report *, void *data) {
            ++*static_cast<int *>(data);
            weft_server_destroy(server);
            return 0;
        },
        &n_reports);
    w.run([&] {
        server = start();
        plant(EMFILE, -1);
        weft_stream *client = connect_to(server);
        if (client != nullptr) { /* connected before it was closed */
            is_open = read_text(client) != "ECONNRESET";
            end(client);
        } else {
            is_open = false;
        }
        return 0;
    });
    CHECK(n_reports == 1);
    CHECK_FALSE(is_open);
}

/* ---- R07: for real ------------------------------------------------------ */

namespace
{

/* In a child: connect so many times, say so, wait, and count who was sent away. */
[[noreturn]] void storm(int port, int n_clients, int say, int hear)
{
    static int fds[1000];
    sockaddr_in address = {};
    char byte = 0;
    int n_away = 0;

    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < n_clients; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fds[i], reinterpret_cast<sockaddr *>(&address), sizeof address) < 0) {
            _exit(1);
        }
    }
    if (write(say, &byte, 1) != 1 || read(hear, &byte, 1) != 1) {
        _exit(2);
    }
    for (int i = 0; i < n_clients; i++) {
        char greeting[8];
        ssize_t n = recv(fds[i], greeting, sizeof greeting, MSG_DONTWAIT);
        n_away += n == 0 || (n < 0 && errno == ECONNRESET);
    }
    _exit(write(say, &n_away, sizeof n_away) == sizeof n_away ? 0 : 3);
}

/* A lower limit of descriptors for the length of a scope. */
class few_descriptors
{
  public:
    explicit few_descriptors(rlim_t n)
    {
        getrlimit(RLIMIT_NOFILE, &before);
        rlimit fewer = before;
        fewer.rlim_cur = n;
        setrlimit(RLIMIT_NOFILE, &fewer);
    }
    ~few_descriptors()
    {
        setrlimit(RLIMIT_NOFILE, &before);
    }

  private:
    rlimit before;
};

} // namespace

TEST_CASE("R07: a storm of clients without descriptors", "[server][R07]")
{
    const int n_clients = 300;
    log_recorder log;
    world w;
    int say[2];
    int hear[2];
    int n_away = -1;
    int n_served_inside = 0;
    weft_server_stats stats = {};
    std::string greeting;
    weft_duration cpu = 0;
    pid_t child = -1;

    REQUIRE(pipe2(say, O_CLOEXEC) == 0);
    REQUIRE(pipe2(hear, O_CLOEXEC) == 0);
    int code = w.run(
        [&] {
            weft_server *server = nullptr;
            char byte = 0;
            WEFT_TRY(weft_start_server(greet, nullptr, "127.0.0.1", 0, nullptr, &server));
            int port = weft_server_get_port(server);
            child = fork();
            if (child == 0) {
                storm(port, n_clients, say[1], hear[0]);
            }
            ::close(say[1]); /* the child's: its end would go unnoticed */
            say[1] = -1;
            if (read(say[0], &byte, 1) != 1) {
                return -EPIPE;
            }
            {
                few_descriptors limit(64);
                cpu = cpu_time();
                for (int i = 0; i < 50; i++) { /* five seconds */
                    WEFT_TRY(weft_sleep(WEFT_MS(100)));
                    n_served_inside += stats_of(server).connections > 0;
                }
                cpu = cpu_time() - cpu;
            }
            stats = stats_of(server);
            weft_time begin = weft_loop_time(nullptr);
            weft_stream *client = connect_to(server);
            greeting = client != nullptr ? read_text(client) : "";
            if (weft_loop_time(nullptr) - begin > WEFT_S(1)) {
                greeting += " late";
            }
            end(client);
            if (write(hear[1], &byte, 1) != 1 || read(say[0], &n_away, sizeof n_away) < 0) {
                return -EPIPE;
            }
            return end(server);
        },
        100000);
    int status = -1;
    if (child > 0) {
        waitpid(child, &status, 0);
    }
    for (int fd : { say[0], say[1], hear[0], hear[1] }) {
        ::close(fd);
    }
    CHECK(code == 0);
    CHECK(status == 0);
    CHECK(stats.connections > 0);
    CHECK(stats.connections < 64);
    CHECK(stats.accepted == stats.connections);
    CHECK(stats.shed == n_clients - stats.connections);
    CHECK(n_away == static_cast<int>(stats.shed));
    CHECK(n_served_inside == 50);
    CHECK(cpu <= CPU_LIMIT);
    CHECK(greeting == "hello");
    CHECK(log.records().size() <= 5);
}
