/* Servers on loopback: taking clients, closing, what handlers come to. */
#include "support/io_world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace
{

using handler = std::function<int(weft_stream *)>;

int run_handler(weft_stream *stream, void *data)
{
    return (*static_cast<handler *>(data))(stream);
}

int echo(weft_stream *stream, void *)
{
    char *data;
    size_t n;

    while (weft_stream_read_view(stream, &data, &n) == 0 && n > 0) {
        WEFT_TRY(weft_stream_write(stream, data, n));
        WEFT_TRY(weft_stream_drain(stream));
    }
    return 0;
}

weft_server *start(weft_client_connected_fn *fn, void *data,
                   const weft_server_options *options = nullptr)
{
    weft_server *server = nullptr;
    weft_start_server(fn, data, "127.0.0.1", 0, options, &server);
    return server;
}

weft_stream *connect_to(weft_server *server)
{
    weft_stream *stream = nullptr;
    weft_open_connection("127.0.0.1", weft_server_get_port(server), nullptr, &stream);
    return stream;
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

weft_server_stats stats_of(weft_server *server)
{
    weft_server_stats stats = WEFT_SERVER_STATS_INIT;
    weft_server_get_stats(server, &stats);
    return stats;
}

/* A folder for sockets, gone at the end. */
class folder
{
  public:
    folder()
    {
        char name[] = "/tmp/weft-io-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~folder()
    {
        for (const char *file : { "/socket", "/other" }) {
            unlink((path + file).c_str());
        }
        rmdir(path.c_str());
    }
    std::string path;
};

bool exists(const std::string &path)
{
    struct stat info;
    return lstat(path.c_str(), &info) == 0;
}

} // namespace

TEST_CASE("server: echoes to one client after the other", "[server]")
{
    world w;
    std::vector<std::string> got;
    weft_server_stats stats = {};

    int code = w.run([&] {
        weft_server *server = start(echo, nullptr);
        for (int i = 0; i < 3; i++) {
            weft_stream *client = connect_to(server);
            WEFT_TRY(weft_stream_write(client, "hello", 5));
            got.push_back(read_text(client));
            end(client);
        }
        settle();
        stats = stats_of(server);
        return end(server);
    });
    CHECK(code == 0);
    CHECK(got == std::vector<std::string>{ "hello", "hello", "hello" });
    CHECK(stats.accepted == 3);
    CHECK(stats.connections == 0);
    CHECK(stats.shed == 0);
    CHECK(stats.accept_errors == 0);
    CHECK(stats.bytes_read == 15);
    CHECK(stats.bytes_written == 15);
}

TEST_CASE("server: accepted connections do not delay and know their peers", "[server]")
{
    world w;
    std::string server_side;
    std::string client_side;
    int no_delay = 0;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            char own[64];
            char peer[64];
            socklen_t len = sizeof no_delay;
            weft_stream_get_sockname(stream, own, sizeof own);
            weft_stream_get_peername(stream, peer, sizeof peer);
            server_side = own + std::string(" ") + peer;
            getsockopt(weft_stream_get_fd(stream), IPPROTO_TCP, TCP_NODELAY, &no_delay, &len);
            return 0;
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        char own[64];
        char peer[64];
        weft_stream_get_sockname(client, own, sizeof own);
        weft_stream_get_peername(client, peer, sizeof peer);
        client_side = peer + std::string(" ") + own;
        read_text(client);
        end(client);
        return end(server);
    });
    CHECK(server_side == client_side);
    CHECK(no_delay != 0);
}

TEST_CASE("server: what a handler left in the queue is sent before the end", "[server]")
{
    world w;
    size_t got = 0;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            std::string bytes(5000000, 'x');
            return weft_stream_write(stream, bytes.data(), bytes.size());
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        char *data;
        size_t n;
        while (weft_stream_read_view(client, &data, &n) == 0 && n > 0) {
            got += n;
        }
        end(client);
        return end(server);
    });
    CHECK(got == 5000000);
}

TEST_CASE("server: a peer that takes nothing is cut off after a while", "[server][timeout]")
{
    world w; /* the clock is virtual: it jumps */
    size_t connections = 1;
    weft_time took = 0;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            std::string bytes(20000000, 'x');
            return weft_stream_write(stream, bytes.data(), bytes.size());
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        weft_time begin = weft_loop_time(nullptr);
        weft_server_close(server);
        weft_server_wait_closed(server);
        took = weft_loop_time(nullptr) - begin;
        connections = stats_of(server).connections;
        weft_server_destroy(server);
        weft_stream_abort(client);
        weft_stream_destroy(client);
        return 0;
    });
    CHECK(connections == 0);
    CHECK(took >= WEFT_S(30));
    CHECK(took <= WEFT_S(61));
}

TEST_CASE("server: a handler's error is reported with its trace, the server goes on",
          "[server][debug]")
{
    log_recorder log;
    world w;
    std::vector<std::string> got;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            std::string line = read_line(stream);
            WEFT_TRY(weft_stream_write(stream, "ok\n", 3));
            return line == "bad\n" ? weft_fail(WEFT_EUSER(3), "handler failed") : 0;
        };
        weft_server *server = start(run_handler, &h);
        for (const char *line : { "bad\n", "good\n" }) {
            weft_stream *client = connect_to(server);
            weft_stream_write(client, line, strlen(line));
            got.push_back(read_text(client) + line);
            read_text(client);
            end(client);
        }
        return end(server);
    });
    CHECK(got == std::vector<std::string>{ "ok\nbad\n", "ok\ngood\n" });
    REQUIRE(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == 1);
    CHECK(log.has("Unhandled exception in client_connected_cb"));
    CHECK(log.has("handler failed"));
    CHECK(log.records().size() == 1);
}

TEST_CASE("server: a lost connection is no news", "[server][debug]")
{
    log_recorder log;
    world w;
    int code = 0;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            char byte;
            size_t n;
            code = weft_stream_read(stream, &byte, 1, &n);
            return code;
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        settle();
        weft_stream_abort(client);
        weft_stream_destroy(client);
        settle();
        return end(server);
    });
    CHECK(code == -ECONNRESET);
    CHECK(log.records().empty());
}

TEST_CASE("server: closing it leaves the connections alone", "[server]")
{
    world w;
    std::vector<std::string> got;
    std::vector<int> codes;

    w.run([&] {
        weft_server *server = start(echo, nullptr);
        int port = weft_server_get_port(server);
        weft_stream *client = connect_to(server);
        weft_stream_write(client, "before", 6);
        got.push_back(read_text(client));
        codes.push_back(weft_server_is_serving(server));
        codes.push_back(weft_server_close(server));
        codes.push_back(weft_server_close(server));
        codes.push_back(weft_server_is_serving(server));
        codes.push_back(weft_server_get_port(server));
        weft_stream_write(client, "after", 5);
        got.push_back(read_text(client));
        weft_stream *refused = nullptr;
        codes.push_back(weft_open_connection("127.0.0.1", port, nullptr, &refused));
        weft_task *closer = w.spawn([&] { return weft_server_wait_closed(server); });
        settle();
        codes.push_back(weft_future_done(closer)); /* as from Python 3.12 on */
        end(client);
        codes.push_back(weft_await(closer, nullptr));
        weft_server_destroy(server);
        return 0;
    });
    CHECK(got == std::vector<std::string>{ "before", "after" });
    CHECK(codes == std::vector<int>{ 1, 0, 0, 0, 0, -ECONNREFUSED, 0, 0 });
}

TEST_CASE("server: serve_forever ends by a cancel or a close", "[server][cancel]")
{
    world w;
    std::vector<int> codes;

    w.run([&] {
        weft_server *server = start(echo, nullptr);
        weft_task *task = w.spawn([&] { return weft_server_serve_forever(server); });
        settle();
        codes.push_back(weft_server_serve_forever(server));
        weft_task_cancel(task, nullptr);
        codes.push_back(weft_await(task, nullptr));
        codes.push_back(weft_server_is_serving(server));
        codes.push_back(weft_server_serve_forever(server));
        weft_server_destroy(server);
        server = start(echo, nullptr);
        task = w.spawn([&] { return weft_server_serve_forever(server); });
        settle();
        weft_server_close(server);
        codes.push_back(weft_await(task, nullptr));
        weft_server_destroy(server);
        return 0;
    });
    CHECK(codes ==
          std::vector<int>{ WEFT_ERUNTIME, WEFT_ECANCELED, 0, WEFT_ECLOSED, WEFT_ECANCELED });
}

TEST_CASE("server: close_clients cancels, abort_clients cuts", "[server][cancel]")
{
    world w;
    std::vector<int> codes;
    std::vector<std::string> got;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            char byte;
            size_t n;
            int code = weft_stream_read(stream, &byte, 1, &n);
            codes.push_back(code);
            if (code == WEFT_ECANCELED) {
                weft_stream_write(stream, "bye", 3); /* still sent */
            }
            return code;
        };
        for (auto *cut : { weft_server_close_clients, weft_server_abort_clients }) {
            weft_server *server = start(run_handler, &h);
            weft_stream *client = connect_to(server);
            settle();
            cut(server);
            got.push_back(read_text(client));
            got.push_back(read_text(client));
            weft_stream_close(client);
            weft_stream_destroy(client);
            end(server);
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ECANCELED, 0 });
    CHECK(got == std::vector<std::string>{ "bye", "", "ECONNRESET", "ECONNRESET" });
}

TEST_CASE("server: destroyed with connections, it waits for them", "[server]")
{
    world w;
    std::string got;
    int fds = n_descriptors();
    int code = 0;

    w.run([&] {
        handler h = [&](weft_stream *stream) {
            code = echo(stream, nullptr);
            weft_sleep(0);
            return static_cast<int>(WEFT_ECANCELED);
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        weft_stream_write(client, "x", 1);
        got = read_text(client);
        weft_server_destroy(server);
        got += read_text(client);
        end(client);
        settle();
        return 0;
    });
    CHECK(got == "x");
    CHECK(code == 0); /* echo ended by the cancel of its read, which it does not pass on */
    CHECK(n_descriptors() <= fds + 1); /* the loop keeps one in reserve */
}

TEST_CASE("server: a connection that is cancelled before its first step", "[server][cancel]")
{
    world w;
    bool ran = false;
    std::string got;
    size_t left = 1;

    w.run([&] {
        handler h = [&](weft_stream *) {
            ran = true;
            return 0;
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        while (stats_of(server).accepted == 0) {
            weft_sleep(0);
        }
        weft_server_close_clients(server);
        got = read_text(client);
        left = stats_of(server).connections;
        end(client);
        return end(server);
    });
    CHECK_FALSE(ran);
    CHECK(got == "ECONNRESET");
    CHECK(left == 0);
}

TEST_CASE("server: a task of the handler that outlives it finds the stream closed", "[server]")
{
    log_recorder log;
    world w;
    std::string read;

    w.run([&] {
        weft_task *reader = nullptr;
        handler h = [&](weft_stream *stream) {
            reader = w.spawn([&read, stream] {
                read = read_text(stream);
                return 0;
            });
            weft_sleep(0);
            weft_stream_destroy(stream); /* the server's: refused */
            return 0;
        };
        weft_server *server = start(run_handler, &h);
        weft_stream *client = connect_to(server);
        read_text(client);
        weft_await(reader, nullptr);
        end(client);
        return end(server);
    });
    CHECK(read == "");
    CHECK(log.count(WEFT_REPORT_MISUSE) == 1);
}

TEST_CASE("server: more clients than allowed wait in the kernel", "[server]")
{
    world w;
    std::vector<size_t> open;
    std::vector<std::string> got;

    w.run([&] {
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.max_connections = 2;
        weft_server *server = start(echo, nullptr, &options);
        weft_stream *clients[5];
        for (weft_stream *&client : clients) {
            client = connect_to(server);
            weft_stream_write(client, "x", 1);
        }
        settle(8);
        open.push_back(stats_of(server).connections);
        for (weft_stream *client : clients) {
            got.push_back(read_text(client));
            end(client);
        }
        open.push_back(stats_of(server).accepted);
        return end(server);
    });
    CHECK(open == std::vector<size_t>{ 2, 5 });
    CHECK(got == std::vector<std::string>(5, "x"));
}

TEST_CASE("server: sockets that were handed over stay open", "[server]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    std::vector<std::string> got;
    int fds[2];

    for (int &fd : fds) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    }
    w.run([&] {
        weft_server *server = nullptr;
        codes.push_back(weft_start_server_fds(echo, nullptr, fds, 2, nullptr, &server));
        codes.push_back(weft_start_server_fds(echo, nullptr, fds, 0, nullptr, &server));
        listen(fds[0], 8);
        listen(fds[1], 8);
        for (int round = 0; round < 2; round++) {
            WEFT_TRY(weft_start_server_fds(echo, nullptr, fds, 2, nullptr, &server));
            for (int fd : fds) {
                sockaddr_in address;
                socklen_t len = sizeof address;
                getsockname(fd, reinterpret_cast<sockaddr *>(&address), &len);
                weft_stream *client;
                WEFT_TRY(
                    weft_open_connection("127.0.0.1", ntohs(address.sin_port), nullptr, &client));
                weft_stream_write(client, "x", 1);
                got.push_back(read_text(client));
                end(client);
            }
            end(server);
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL });
    CHECK(got == std::vector<std::string>(4, "x"));
    for (int fd : fds) {
        CHECK(fcntl(fd, F_GETFD) >= 0);
        ::close(fd);
    }
}

TEST_CASE("server: addresses that cannot be listened on", "[server]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;

    w.run([&] {
        weft_server *server = nullptr;
        weft_server *other = nullptr;
        WEFT_TRY(weft_start_server(echo, nullptr, "localhost", 0, nullptr, &server));
        int port = weft_server_get_port(server);
        codes.push_back(weft_start_server(echo, nullptr, "127.0.0.1", port, nullptr, &other));
        codes.push_back(weft_start_server(echo, nullptr, "127.0.0.1", 70000, nullptr, &other));
        codes.push_back(weft_start_server(nullptr, nullptr, "127.0.0.1", 0, nullptr, &other));
        codes.push_back(weft_start_unix_server(echo, nullptr, "", nullptr, &other));
        codes.push_back(weft_start_unix_server(echo, nullptr, "/nowhere/x", nullptr, &other));
        codes.push_back(other == nullptr);
        end(server);
        WEFT_TRY(weft_start_server(echo, nullptr, nullptr, 0, nullptr, &server)); /* all */
        weft_stream *client = connect_to(server);
        codes.push_back(client != nullptr);
        end(client);
        return end(server);
    });
    CHECK(codes ==
          std::vector<int>{ -EADDRINUSE, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, -ENOENT, 1, 1 });
}

static int listen_on_a_name(void *out_code)
{
    weft_server *server = nullptr;
    *static_cast<int *>(out_code) =
        weft_start_server(echo, nullptr, "example.org", 0, nullptr, &server);
    return 0;
}

TEST_CASE("server: outside of a task no name is looked up", "[server]")
{
    world w;
    int code = 0;

    REQUIRE(weft_loop_call_soon(w.loop, listen_on_a_name, &code, nullptr) == 0);
    weft_loop_run_once(w.loop, 0);
    CHECK(code == WEFT_EINVAL);
}

TEST_CASE("server: two share a port when both say so", "[server]")
{
    world w;
    std::vector<int> codes;

    w.run([&] {
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.reuse_port = 1;
        weft_server *first = start(echo, nullptr, &options);
        weft_server *second = nullptr;
        codes.push_back(weft_start_server(echo, nullptr, "127.0.0.1", weft_server_get_port(first),
                                          &options, &second));
        end(first);
        return end(second);
    });
    CHECK(codes == std::vector<int>{ 0 });
}

TEST_CASE("unix server: a stale socket is replaced, a live one is not", "[server][unix]")
{
    world w;
    folder f;
    std::string path = f.path + "/socket";
    std::vector<int> codes;
    std::vector<std::string> got;

    /* One that a dead process left behind. */
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path.c_str());
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(dead, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    ::close(dead);

    w.run([&] {
        for (int round = 0; round < 2; round++) {
            weft_server *server = nullptr;
            weft_server *other = nullptr;
            codes.push_back(weft_start_unix_server(echo, nullptr, path.c_str(), nullptr, &server));
            codes.push_back(weft_start_unix_server(echo, nullptr, path.c_str(), nullptr, &other));
            weft_stream *client = nullptr;
            char name[160] = "";
            codes.push_back(weft_open_unix_connection(path.c_str(), nullptr, &client));
            weft_stream_write(client, "x", 1);
            got.push_back(read_text(client));
            weft_stream_get_peername(client, name, sizeof name);
            got.push_back(name);
            end(client);
            end(server);
            codes.push_back(exists(path));
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, -EADDRINUSE, 0, 0, 0, -EADDRINUSE, 0, 0 });
    CHECK(got == std::vector<std::string>{ "x", "unix:" + path, "x", "unix:" + path });
}

TEST_CASE("unix server: what is no socket, or no more ours, is left alone", "[server][unix]")
{
    world w;
    folder f;
    std::string path = f.path + "/socket";
    std::string other = f.path + "/other";
    std::vector<int> codes;

    w.run([&] {
        weft_server *server = nullptr;
        ::close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        codes.push_back(weft_start_unix_server(echo, nullptr, path.c_str(), nullptr, &server));
        codes.push_back(exists(path));
        unlink(path.c_str());
        WEFT_TRY(weft_start_unix_server(echo, nullptr, path.c_str(), nullptr, &server));
        rename(path.c_str(), other.c_str());
        ::close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        end(server);
        codes.push_back(exists(path));
        return 0;
    });
    CHECK(codes == std::vector<int>{ -EADDRINUSE, 1, 1 });
}

TEST_CASE("unix server: mode and abstract names", "[server][unix]")
{
    world w;
    folder f;
    std::string path = f.path + "/socket";
    std::string name = "@weft-test-" + std::to_string(getpid());
    struct stat info = {};
    std::string got;

    int code = w.run([&] {
        weft_server *server = nullptr;
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.mode = 0666; /* more than the umask leaves */
        WEFT_TRY(weft_start_unix_server(echo, nullptr, path.c_str(), &options, &server));
        lstat(path.c_str(), &info);
        end(server);
        WEFT_TRY(weft_start_unix_server(echo, nullptr, name.c_str(), nullptr, &server));
        weft_stream *client = nullptr;
        WEFT_TRY(weft_open_unix_connection(name.c_str(), nullptr, &client));
        weft_stream_write(client, "x", 1);
        got = read_text(client);
        end(client);
        return end(server);
    });
    CHECK(code == 0);
    CHECK((info.st_mode & 07777) == 0666);
    CHECK(got == "x");
}

TEST_CASE("server: what is open when the loop closes is reported and released", "[server][debug]")
{
    log_recorder log;
    int fds = n_descriptors();
    weft_server *server = nullptr;
    weft_stream *client = nullptr;
    {
        world w;
        w.run([&] {
            server = start(echo, nullptr);
            client = connect_to(server);
            weft_stream_write(client, "x", 1);
            read_text(client);
            /* One more whose handler has not begun. */
            weft_stream *late = connect_to(server);
            while (stats_of(server).accepted < 2) {
                weft_sleep(0);
            }
            weft_stream_abort(late);
            weft_stream_destroy(late);
            return 0;
        });
        w.close();
        CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 4); /* server, client, two served */
        CHECK(log.has("unclosed transport <server fd="));
        CHECK(weft_server_is_serving(server) == 0);
        weft_server_destroy(server);
        weft_stream_destroy(client);
    }
    CHECK(n_descriptors() == fds);
}

TEST_CASE("server: misuse is refused with a code", "[server][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;

    w.run([&] {
        weft_server *server = start(echo, nullptr);
        weft_server_stats stats = {};
        codes.push_back(weft_server_close(nullptr));
        codes.push_back(weft_server_get_stats(server, &stats));
        codes.push_back(weft_server_get_port(nullptr));
        codes.push_back(weft_server_is_serving(nullptr));
        weft_server_destroy(nullptr);
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.size = 1;
        weft_server *none = nullptr;
        codes.push_back(weft_start_server(echo, nullptr, "127.0.0.1", 0, &options, &none));
        return end(server);
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, 0, 0, WEFT_EINVAL });
    CHECK(weft_server_close(nullptr) == WEFT_EINVAL);
}
