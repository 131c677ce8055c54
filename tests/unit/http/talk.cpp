#include "talk.h"

#include <cerrno>
#include <cstdlib>
#include <sys/socket.h>

namespace
{

struct run {
    std::vector<conversation> *conversations;
    const weft_http_options *options;
    weft_http_handler_fn *handler;
    void *data;
};

struct side {
    const run *all;
    conversation *one;
    int fd;
};

/* A loop with nothing to do goes through some turns, so that the other side reads. */
int let_read()
{
    for (int i = 0; i < 4; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    return 0;
}

int serve(void *arg)
{
    side *server = static_cast<side *>(arg);
    weft_stream *stream = nullptr;

    WEFT_TRY(weft_stream_from_fd(server->fd, nullptr, &stream));
    server->one->result =
        weft_http_serve(stream, server->all->handler, server->all->data, server->all->options);
    (void)weft_stream_close(stream);
    weft_stream_destroy(stream);
    return 0;
}

int read_all(weft_stream *stream, std::string &out)
{
    for (;;) {
        char *data = nullptr;
        size_t n = 0;
        WEFT_TRY(weft_stream_read_view(stream, &data, &n));
        if (n == 0) {
            return 0;
        }
        out.append(data, n);
    }
}

int ask(weft_stream *stream, conversation *one)
{
    for (const std::string &piece : one->pieces) {
        if (weft_stream_write(stream, piece.data(), piece.size()) < 0) {
            break; /* The server refused and has gone: its answer is what counts. */
        }
        WEFT_TRY(let_read());
    }
    if (one->ends) {
        (void)weft_stream_write_eof(stream);
    }
    int r = read_all(stream, one->answer);
    return r == -ECONNRESET ? 0 : r;
}

void drop_dates(std::string &text)
{
    for (size_t at; (at = text.find("Date: ")) != std::string::npos;) {
        text.erase(at, text.find("\r\n", at) + 2 - at);
    }
}

int hold(const run *all, conversation *one)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        return -errno;
    }
    side server = { all, one, fds[0] };
    weft_stream *stream = nullptr;
    weft_task *task = nullptr;
    weft_time began = weft_loop_time(nullptr);

    WEFT_TRY(weft_stream_from_fd(fds[1], nullptr, &stream));
    WEFT_TRY(weft_create_task(weft_coro_create(serve, &server), &task));
    int r = ask(stream, one);
    one->took = weft_loop_time(nullptr) - began;
    (void)weft_stream_close(stream);
    weft_stream_destroy(stream);
    int served = weft_await(task, nullptr);
    weft_future_unref(task);
    drop_dates(one->answer);
    return r < 0 ? r : served;
}

int hold_all(void *arg)
{
    run *all = static_cast<run *>(arg);
    for (conversation &one : *all->conversations) {
        WEFT_TRY(hold(all, &one));
    }
    return 0;
}

} // namespace

int describe(weft_http_request *request, weft_http_response *response, void *)
{
    size_t size = 0;
    const char *body = static_cast<const char *>(weft_http_request_get_body(request, &size));

    WEFT_TRY(weft_http_response_printf(
        response, "%s %s %s %zu ", weft_http_request_get_method(request),
        weft_http_request_get_path(request), weft_http_request_get_query_string(request),
        weft_http_request_get_n_headers(request)));
    WEFT_TRY(weft_http_response_write(response, body, size));
    return weft_http_response_write(response, "\n", 1);
}

int run_in_loop(weft_coro_fn *fn, void *arg, bool is_virtual)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop = nullptr;

    options.virtual_clock = is_virtual;
    int r = weft_new_event_loop(&options, &loop);
    if (r < 0) {
        return r;
    }
    r = weft_loop_run_until_complete(loop, weft_coro_create(fn, arg), nullptr);
    int closed = weft_loop_close(loop);
    weft_loop_unref(loop);
    return r < 0 ? r : closed;
}

int talk(std::vector<conversation> &conversations, const weft_http_options *options,
         weft_http_handler_fn *handler, void *data)
{
    run all = { &conversations, options, handler == nullptr ? describe : handler, data };

    return run_in_loop(hold_all, &all);
}

conversation talk_once(const std::string &input, const weft_http_options *options,
                       weft_http_handler_fn *handler, void *data)
{
    std::vector<conversation> conversations(1);

    conversations[0].pieces.push_back(input);
    int r = talk(conversations, options, handler, data);
    if (r < 0) {
        conversations[0].result = r;
    }
    return conversations[0];
}

std::vector<int> statuses(const std::string &answer, bool is_head)
{
    std::vector<int> found;
    size_t at = 0;

    while (at < answer.size()) {
        size_t end = answer.find("\r\n\r\n", at);
        if (answer.compare(at, 9, "HTTP/1.1 ") != 0 || end == std::string::npos) {
            found.push_back(-1);
            return found;
        }
        int status = std::atoi(answer.c_str() + at + 9);
        size_t length = answer.find("Content-Length: ", at);
        size_t body = 0;
        if (length != std::string::npos && length < end && !is_head) {
            body = std::strtoul(answer.c_str() + length + 16, nullptr, 10);
        }
        if (status != 100) {
            found.push_back(status);
        }
        at = end + 4 + body;
    }
    if (at != answer.size()) {
        found.push_back(-1);
    }
    return found;
}
