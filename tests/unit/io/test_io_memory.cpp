/* The sweeps over failing allocations: clean errors, nothing leaked, no descriptor lost. */
#include "support/io_world.hpp"

#include "support/sweep.hpp"

#include <vector>

extern "C" {
#include "io/stream.h"
}

namespace
{

int make_loop(weft_loop **loop)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    options.virtual_clock = 1;
    int r = weft_new_event_loop(&options, loop);
    return r == -EMFILE || r == -ENOSPC ? WEFT_ENOMEM : r;
}

/* Run <what> on a loop of its own; what stays open is closed with the loop. */
int run_once(body what)
{
    weft_loop *loop = nullptr;
    int code = make_loop(&loop);
    if (code < 0) {
        return code;
    }
    code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &what), nullptr);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return code == -ENOSPC || code == WEFT_ENOSTACK ? WEFT_ENOMEM : code;
}

int echo_once(weft_stream *stream, void *)
{
    char *line;
    size_t n;

    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    return weft_stream_write(stream, line, n);
}

} // namespace

TEST_CASE("stream: making, reading and writing without memory", "[stream][oom]")
{
    log_recorder log;
    int fds = n_descriptors();
    int n_failed = sweep_out_of_memory([] {
        return run_once([] {
            int ends[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
                return -errno;
            }
            weft_stream *stream = nullptr;
            int code = weft_stream_from_fd(ends[0], nullptr, &stream);
            if (code < 0) {
                ::close(ends[0]);
                ::close(ends[1]);
                return code;
            }
            char *data = nullptr;
            size_t n = 0;
            char word[4];
            code = ::write(ends[1], "line\nviewword", 13) == 13 ? 0 : -EIO;
            code = code < 0 ? code : weft_stream_readline(stream, &data, &n);
            code = code < 0 ? code : weft_stream_readexactly(stream, word, 4, &n);
            code = code < 0 ? code : weft_stream_read_view(stream, &data, &n);
            code = code < 0 ? code : weft_stream_unread(stream, 4);
            static const char many[1000000] = {};
            code = code < 0 ? code : weft_stream_write(stream, many, sizeof many);
            weft_stream_abort(stream);
            weft_stream_destroy(stream);
            ::close(ends[1]);
            return code;
        });
    });
    CHECK(n_failed > 5);
    CHECK(n_descriptors() == fds);
}

TEST_CASE("write: without memory for the queue the stream is aborted", "[write][oom]")
{
    world w;
    std::vector<int> codes;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_testing_fail_allocation_after(0);
        codes.push_back(weft_stream_write(p.stream, bytes.data(), bytes.size()));
        weft_testing_fail_allocation_after(-1);
        codes.push_back(weft_stream_is_closing(p.stream));
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        codes.push_back(weft_stream_drain(p.stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ENOMEM, 1, WEFT_ECLOSED, WEFT_ECLOSED });
}

TEST_CASE("read: without memory to put bytes back the stream is broken, not silent", "[read][oom]")
{
    world w;
    std::vector<std::string> got;

    w.run([&] {
        pair p;
        std::string buffer(60000, '\0');
        weft_task *task = w.spawn([&] {
            size_t n;
            return weft_stream_readexactly(p.stream, &buffer[0], buffer.size(), &n);
        });
        settle();
        p.send(std::string(30000, 'a'));
        settle();
        weft_task_cancel(task, nullptr);
        weft_testing_fail_allocation_after(0);
        int code = weft_await(task, nullptr);
        weft_testing_fail_allocation_after(-1);
        got.push_back(weft_error_name(code));
        p.send("b");
        got.push_back(read_text(p.stream));
        return 0;
    });
    CHECK(got == std::vector<std::string>{ "WEFT_ECANCELED", "WEFT_ENOMEM" });
}

TEST_CASE("read: a limit without memory for its timer is an error, not a wait for ever",
          "[read][oom]")
{
    world w;
    std::string got;
    std::string after;

    w.run([&] {
        pair p;
        weft_stream_set_read_limit(p.stream, WEFT_S(1));
        weft_testing_fail_allocation_after(0);
        got = read_text(p.stream);
        weft_testing_fail_allocation_after(-1);
        after = read_text(p.stream);
        return 0;
    });
    /* Where the heap of timers has room, nothing is needed. */
    CHECK((got == "WEFT_ENOMEM" || got == "WEFT_ETIMEDOUT"));
    CHECK(after == "WEFT_ETIMEDOUT");
}

TEST_CASE("server: starting, connecting and serving without memory", "[server][connect][oom]")
{
    log_recorder log;
    int fds = n_descriptors();
    int n_failed = sweep_out_of_memory(
        [] {
            return run_once([] {
                weft_server *server = nullptr;
                weft_stream *client = nullptr;
                char *line = nullptr;
                size_t n = 0;
                WEFT_TRY(weft_start_server(echo_once, nullptr, "127.0.0.1", 0, nullptr, &server));
                int code = weft_open_connection("127.0.0.1", weft_server_get_port(server), nullptr,
                                                &client);
                if (code == 0) {
                    weft_stream_set_read_limit(client, WEFT_S(10));
                    code = weft_stream_write(client, "hello\n", 6);
                    code = code < 0 ? code : weft_stream_readline(client, &line, &n);
                    /* Sent away instead of served. */
                    code = code < 0 || n == 6 ? code : static_cast<int>(WEFT_ENOMEM);
                    weft_stream_abort(client);
                    weft_stream_destroy(client);
                }
                weft_server_close(server);
                int closed = weft_server_wait_closed(server);
                weft_server_destroy(server);
                return code < 0 ? code : closed;
            });
        },
        { -ECONNRESET, WEFT_ETIMEDOUT });
    CHECK(n_failed > 10);
    CHECK(n_descriptors() == fds);
}

TEST_CASE("unix server: starting without memory leaves no file", "[server][unix][oom]")
{
    log_recorder log;
    std::string path = "/tmp/weft-io-oom-" + std::to_string(getpid());
    int fds = n_descriptors();
    int n_files = 0;
    sweep_out_of_memory([&] {
        int code = run_once([&] {
            weft_server *server = nullptr;
            WEFT_TRY(weft_start_unix_server(echo_once, nullptr, path.c_str(), nullptr, &server));
            weft_server_close(server);
            weft_server_destroy(server);
            return 0;
        });
        n_files += access(path.c_str(), F_OK) == 0;
        return code;
    });
    CHECK(n_files == 0);
    CHECK(n_descriptors() == fds);
}
