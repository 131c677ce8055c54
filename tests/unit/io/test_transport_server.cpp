/*
 * Servers whose clients are transports, and what is new for both kinds: starting
 * later, several hosts, the list of sockets.
 */
#include "support/protocol_recorder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <deque>
#include <memory>

#include "support/sweep.hpp"

namespace
{

/* A factory that gives each client a recorder of its own. */
struct recorders {
    std::deque<recorder> all;
    recorder::hook on_made, on_data;
    int code = 0;

    static int make(const weft_protocol **out_protocol, void **out_data, void *arg)
    {
        recorders *self = static_cast<recorders *>(arg);
        if (self->code < 0) {
            return weft_fail(self->code, "no protocol today");
        }
        self->all.emplace_back();
        self->all.back().keeps = false;
        self->all.back().on_made = self->on_made;
        self->all.back().on_data = self->on_data;
        return recorder::make(out_protocol, out_data, &self->all.back());
    }
    std::vector<std::string> texts() const
    {
        std::vector<std::string> texts;
        for (const recorder &r : all) {
            texts.push_back(r.text());
        }
        return texts;
    }
};

int connect_plainly(int port)
{
    sockaddr_in address = {};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0) {
        int code = -errno;
        ::close(fd);
        return code;
    }
    return fd;
}

int serve_nothing(weft_stream *, void *)
{
    return 0;
}

int start(recorders &who, weft_server **out_server, const weft_server_options *options = nullptr)
{
    return weft_loop_create_server(nullptr, recorders::make, &who, "127.0.0.1", 0, options,
                                   out_server);
}

size_t connections_of(weft_server *server)
{
    weft_server_stats stats = {};
    stats.size = sizeof stats;
    weft_server_get_stats(server, &stats);
    return stats.connections;
}

} // namespace

TEST_CASE("transport server: close_clients, abort_clients and wait_closed", "[transport][server]")
{
    for (bool aborts : { false, true }) {
        world w;
        recorders who;
        std::vector<int> codes;
        size_t n_open = 0;
        int code = w.run([&] {
            weft_server *server = nullptr;
            WEFT_TRY(start(who, &server));
            int first = connect_plainly(weft_server_get_port(server));
            int second = connect_plainly(weft_server_get_port(server));
            while (connections_of(server) < 2) {
                settle(1);
            }
            settle();
            n_open = connections_of(server);
            weft_server_close(server);
            weft_task *waiter = w.spawn([&] { return weft_server_wait_closed(server); });
            settle(8);
            codes.push_back(world::outcome(waiter)); /* 1: it waits for the connections */
            codes.push_back(aborts ? weft_server_abort_clients(server)
                                   : weft_server_close_clients(server));
            settle();
            codes.push_back(world::outcome(waiter));
            weft_server_destroy(server);
            ::close(first);
            ::close(second);
            return 0;
        });
        CHECK(code == 0);
        CHECK(n_open == 2);
        CHECK(codes == std::vector<int>{ 1, 0, 0 });
        CHECK(who.texts() == std::vector<std::string>{ "made lost", "made lost" });
    }
}

TEST_CASE("transport server: a limit of connections", "[transport][server]")
{
    world w;
    recorders who;
    std::vector<size_t> counts;
    int code = w.run([&] {
        weft_server *server = nullptr;
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.max_connections = 1;
        WEFT_TRY(start(who, &server, &options));
        int first = connect_plainly(weft_server_get_port(server));
        int second = connect_plainly(weft_server_get_port(server));
        settle(8);
        counts.push_back(who.all.size());
        ::close(first);
        settle(12);
        counts.push_back(who.all.size());
        ::close(second);
        settle(8);
        counts.push_back(connections_of(server));
        weft_server_destroy(server);
        return 0;
    });
    CHECK(code == 0);
    CHECK(counts == std::vector<size_t>{ 1, 2, 0 });
    CHECK(who.texts() == std::vector<std::string>{ "made eof lost", "made eof lost" });
}

TEST_CASE("transport server: a factory that fails", "[transport][server]")
{
    log_recorder log;
    world w;
    recorders who;
    who.code = WEFT_EUSER(1);
    ssize_t n = 1;
    size_t n_open = 1;
    w.run([&] {
        weft_server *server = nullptr;
        char byte;
        WEFT_TRY(start(who, &server));
        int fd = connect_plainly(weft_server_get_port(server));
        settle(8);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        n = ::read(fd, &byte, 1);
        n_open = connections_of(server);
        ::close(fd);
        weft_server_destroy(server);
        return 0;
    });
    CHECK(n == 0);
    CHECK(n_open == 0);
    CHECK(log.has("Error on transport creation for incoming connection"));
}

TEST_CASE("transport server: destroyed with clients, also from inside one", "[transport][server]")
{
    for (bool from_inside : { false, true }) {
        world w;
        recorders who;
        weft_server *server = nullptr;
        if (from_inside) {
            who.on_made = [&](weft_transport *) {
                weft_server_destroy(server);
                return 0;
            };
        }
        int code = w.run([&] {
            WEFT_TRY(start(who, &server));
            int fd = connect_plainly(weft_server_get_port(server));
            settle(8);
            if (!from_inside) {
                weft_server_destroy(server);
            }
            settle();
            ::close(fd);
            return 0;
        });
        CHECK(code == 0);
        CHECK(who.texts() == std::vector<std::string>{ "made lost" });
    }
}

TEST_CASE("transport server: a loop that closes with clients", "[transport][server]")
{
    log_recorder log;
    recorders who;
    weft_server *server = nullptr;
    int fds[2] = { -1, -1 };
    {
        world w;
        w.run([&] {
            WEFT_TRY(start(who, &server));
            fds[0] = connect_plainly(weft_server_get_port(server));
            settle(8);
            fds[1] = connect_plainly(weft_server_get_port(server));
            return weft_sleep(0); /* the second one waits for its factory, or for its accept */
        });
        w.close();
        CHECK(weft_server_is_serving(server) == 0);
        weft_server_destroy(server);
    }
    ::close(fds[0]);
    ::close(fds[1]);
    CHECK(who.all.at(0).text() == "made");
    CHECK(who.all.at(0).n_released == 1);
    CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) >= 2);
}

TEST_CASE("server: started later", "[server]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    w.run([&] {
        weft_server *server = nullptr;
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.start_serving = -1;
        WEFT_TRY(weft_start_server(serve_nothing, nullptr, "127.0.0.1", 0, &options, &server));
        int port = weft_server_get_port(server);
        codes.push_back(weft_server_is_serving(server));
        codes.push_back(connect_plainly(port));
        codes.push_back(weft_server_start_serving(server));
        codes.push_back(weft_server_start_serving(server));
        codes.push_back(weft_server_is_serving(server));
        int fd = connect_plainly(port);
        codes.push_back(fd >= 0);
        ::close(fd);
        codes.push_back(weft_server_get_loop(server) == w.loop);
        settle(8);
        weft_server_close(server);
        codes.push_back(weft_server_start_serving(server));
        weft_server_destroy(server);
        codes.push_back(weft_server_start_serving(nullptr));

        /* One that never starts, and one that serve_forever starts. */
        WEFT_TRY(weft_start_server(serve_nothing, nullptr, "127.0.0.1", 0, &options, &server));
        weft_server_destroy(server);
        WEFT_TRY(weft_start_server(serve_nothing, nullptr, "127.0.0.1", 0, &options, &server));
        weft_task *task = w.spawn([&] { return weft_server_serve_forever(server); });
        settle(2);
        codes.push_back(weft_server_is_serving(server));
        weft_task_cancel(task, nullptr);
        settle(4);
        codes.push_back(world::outcome(task));
        weft_server_destroy(server);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, -ECONNREFUSED, 0, 0, 1, 1, 1, WEFT_ECLOSED, WEFT_EINVAL, 1,
                                     WEFT_ECANCELED });
}

TEST_CASE("server: several hosts, and a unix one that starts later", "[server]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    int fds[3] = { -1, -1, -1 };
    w.run([&] {
        const char *hosts[] = { "127.0.0.1", "127.0.0.2", nullptr };
        const char *bad[] = { "127.0.0.1", "127.0.0.300", nullptr };
        weft_server *server = nullptr;
        weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
        options.hosts = hosts;
        WEFT_TRY(weft_start_server(serve_nothing, nullptr, nullptr, 0, &options, &server));
        codes.push_back(static_cast<int>(weft_server_get_sockets(server, fds, 3)));
        codes.push_back(fds[0] >= 0 && fds[1] >= 0 && fds[2] == -1);
        int fd = connect_plainly(weft_server_get_port(server));
        codes.push_back(fd >= 0);
        ::close(fd);
        settle(8);
        weft_server_close(server);
        codes.push_back(static_cast<int>(weft_server_get_sockets(server, fds, 3)));
        weft_server_destroy(server);
        WEFT_TRY(weft_start_server(serve_nothing, nullptr, "127.0.0.3", 0, &options, &server));
        codes.push_back(static_cast<int>(weft_server_get_sockets(server, nullptr, 0)));
        weft_server_destroy(server);
        options.hosts = bad;
        server = nullptr;
        codes.push_back(weft_start_server(serve_nothing, nullptr, nullptr, 0, &options, &server) <
                        0);
        codes.push_back(server == nullptr);

        options = WEFT_SERVER_OPTIONS_INIT;
        options.start_serving = -1;
        options.reuse_address = -1;
        recorders who;
        weft_transport *client = nullptr;
        recorder r;
        WEFT_TRY(weft_loop_create_unix_server(nullptr, recorders::make, &who, "@weft-later",
                                              &options, &server));
        codes.push_back(weft_loop_create_unix_connection(nullptr, recorder::make, &r, "@weft-later",
                                                         nullptr, &client));
        WEFT_TRY(weft_server_start_serving(server));
        WEFT_TRY(weft_loop_create_unix_connection(nullptr, recorder::make, &r, "@weft-later",
                                                  nullptr, &client));
        settle(4);
        weft_transport_close(client);
        weft_transport_unref(client);
        settle(8);
        codes.push_back(who.texts() == std::vector<std::string>{ "made eof lost" });
        weft_server_destroy(server);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 2, 1, 1, 0, 3, 1, 1, -ECONNREFUSED, 1 });
}

TEST_CASE("transport server: without memory", "[transport][server][oom]")
{
    log_recorder log;
    sweep_out_of_memory(
        [] {
            weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
            options.virtual_clock = 1;
            weft_loop *loop = nullptr;
            int code = weft_new_event_loop(&options, &loop);
            if (code < 0) {
                return code;
            }
            auto body = [](void *) {
                static recorder nobody; /* its texts are made once */
                nobody.keeps = false;
                nobody.lost_code = 1;
                weft_server *server = nullptr;
                const char *hosts[] = { "127.0.0.2", nullptr };
                weft_server_options server_options = WEFT_SERVER_OPTIONS_INIT;
                server_options.hosts = hosts;
                server_options.start_serving = -1;
                int code = weft_loop_create_server(nullptr, recorder::make, &nobody, "127.0.0.1", 0,
                                                   &server_options, &server);
                if (code < 0) {
                    return code;
                }
                code = weft_server_start_serving(server);
                if (code == 0) {
                    int fd = connect_plainly(weft_server_get_port(server));
                    for (int i = 0; i < 4 && code == 0; i++) {
                        code = weft_sleep(0);
                    }
                    weft_server_stats stats = {};
                    stats.size = sizeof stats;
                    weft_server_get_stats(server, &stats);
                    /* Without memory a client is shed, waits on, or is lost. */
                    if (code == 0 &&
                        (stats.shed > 0 || stats.accept_errors > 0 || nobody.lost_code < 0)) {
                        code = WEFT_ENOMEM;
                    }
                    ::close(fd);
                }
                weft_server_abort_clients(server);
                weft_server_destroy(server);
                int slept = weft_sleep(0);
                return code == 0 ? slept : code;
            };
            code = weft_loop_run_until_complete(loop, weft_coro_create(+body, nullptr), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return code;
        },
        { WEFT_ENOSTACK, -EMFILE, -ENOSPC });
}
