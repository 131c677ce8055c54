extern "C" {
#include "channel.h"
#include "config/config.h"
#include "heritage.h"
}

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/*
 * weft-worker as a process; the test is its supervisor. Everything is waited
 * for with a limit that is there for hangs only.
 */

namespace
{

const int LIMIT_MS = 30000;

int memfd_of(const std::string &text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return fd;
}

/* A listening socket on 127.0.0.1:port; 0 lets the kernel choose. */
int listen_on(int port, int *out_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    struct sockaddr_in address = {};
    socklen_t len = sizeof address;

    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    REQUIRE(bind(fd, reinterpret_cast<struct sockaddr *>(&address), len) == 0);
    REQUIRE(listen(fd, 64) == 0);
    REQUIRE(getsockname(fd, reinterpret_cast<struct sockaddr *>(&address), &len) == 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

int connect_to(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {};
    struct timeval limit = { LIMIT_MS / 1000, 0 };

    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    REQUIRE(connect(fd, reinterpret_cast<struct sockaddr *>(&address), sizeof address) == 0);
    return fd;
}

void say(int fd, const std::string &text)
{
    REQUIRE(send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

/* Everything up to the end of the connection. */
std::string hear_all(int fd)
{
    std::string all;
    char buffer[4096];
    ssize_t n;

    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        all.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return n < 0 ? all + "<" + std::strerror(errno) + ">" : all;
}

std::string get(int port, const std::string &target)
{
    int fd = connect_to(port);
    say(fd, "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return hear_all(fd);
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

/* One listener `web`, two loops. */
class supervisor
{
  public:
    explicit supervisor(const std::string &services)
    {
        std::string text = "loops:\n  count: 2\nlisteners:\n  web:\n    address: 127.0.0.1:0\n"
                           "drain:\n  grace: 20s\nservices:\n" +
                           services;
        make_config(text);
        fds[0] = listen_on(0, &port);
        fds[1] = listen_on(port, &port);
        REQUIRE(channel_pair(&channel, &worker_channel) == 0);
        start();
    }

    ~supervisor()
    {
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        for (int fd : { fds[0], fds[1], channel }) {
            if (fd >= 0) {
                close(fd);
            }
        }
    }

    supervisor(const supervisor &) = delete;
    supervisor &operator=(const supervisor &) = delete;

    /* The next packet of <kind>; others are dropped. */
    struct channel_packet hear(enum channel_kind kind)
    {
        struct channel_packet packet;
        auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(LIMIT_MS);
        for (;;) {
            struct pollfd poll_fd = { channel, POLLIN, 0 };
            REQUIRE(std::chrono::steady_clock::now() < end);
            REQUIRE(poll(&poll_fd, 1, LIMIT_MS) == 1);
            int r = channel_receive(channel, &packet);
            INFO("waiting for " << channel_kind_name(kind) << ", " << r);
            REQUIRE(r == 0);
            if (packet.kind == kind) {
                return packet;
            }
            if (packet.kind == CHANNEL_FAILED) {
                INFO(packet.text);
                REQUIRE(packet.kind == kind);
            }
        }
    }

    void order(enum channel_kind kind, int64_t number)
    {
        struct channel_packet packet = {};
        packet.version = CHANNEL_VERSION;
        packet.kind = static_cast<uint16_t>(kind);
        packet.number = number;
        REQUIRE(channel_send(channel, &packet) == 0);
    }

    /* The exit status; -1 for a death by signal. */
    int wait()
    {
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    void hang_up()
    {
        close(channel);
        channel = -1;
    }

    int port = 0;
    pid_t pid = -1;

  private:
    void make_config(const std::string &text)
    {
        struct config_options options = {};
        struct config_errors errors;
        struct config *config = nullptr;
        char *json = nullptr;
        size_t len = 0;

        options.text = text.data();
        options.text_length = text.size();
        config_errors_init(&errors);
        int r = config_load_with(&options, "test.yaml", &config, &errors);
        if (r < 0) {
            config_errors_print(stderr, &errors);
        }
        config_errors_fini(&errors);
        REQUIRE(r == 0);
        REQUIRE(config_to_json(config, &json, &len) == 0);
        config_destroy(config);
        config_fd = memfd_of(std::string(json, len));
        std::free(json);
    }

    void start()
    {
        struct heritage_listener listener = { "web", CONFIG_FAMILY_IPV4, fds, 2 };
        struct heritage heritage = { 1, getpid(), worker_channel, config_fd, -1, -1, &listener, 1 };
        const char *program = WEFT_TEST_BIN_DIR "/weft-worker";
        int fd = -1;

        REQUIRE(heritage_write(&heritage, &fd) == 0);
        std::string number = std::to_string(fd);
        pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            for (int inherited : { fd, fds[0], fds[1], worker_channel, config_fd }) {
                fcntl(inherited, F_SETFD, 0);
            }
            execl(program, program, "--heritage", number.c_str(), static_cast<char *>(nullptr));
            _exit(127);
        }
        close(fd);
        close(worker_channel);
        close(config_fd);
    }

    int fds[2] = { -1, -1 };
    int channel = -1;
    int worker_channel = -1;
    int config_fd = -1;
};

const char *const http = "  http:\n    module: http\n    listeners: [web]\n";
const char *const echo = "  echo:\n    module: echo\n    listeners: [web]\n";

std::string misbehave(const std::string &more)
{
    return "  bad:\n    module: " WEFT_TEST_BUILD_DIR "/tests/modules/misbehave.so\n"
           "    listeners: [web]\n" +
           more;
}

} // namespace

TEST_CASE("worker: serves http on all its loops until it is told to drain", "[worker]")
{
    supervisor weftd(http);

    weftd.hear(CHANNEL_READY);
    std::string plain = get(weftd.port, "/plaintext");
    CHECK(has(plain, "HTTP/1.1 200 OK\r\n"));
    CHECK(plain.substr(plain.find("\r\n\r\n")) == "\r\n\r\nHello, World!");
    CHECK(has(get(weftd.port, "/"), "/executor?ms=N"));
    CHECK(has(get(weftd.port, "/executor?ms=5"), "{\"ms\":5,\"elapsed_ms\":"));
    CHECK(has(get(weftd.port, "/threadsafe?loop=0"), "{\"loop\":0,\"thread\":"));
    CHECK(has(get(weftd.port, "/threadsafe?loop=1"), "{\"loop\":1,\"thread\":"));
    CHECK(has(get(weftd.port, "/timeout?ms=20"), "HTTP/1.1 504 "));
    CHECK(has(get(weftd.port, "/timeout?ms=20"), "timed out after 20 ms\n"));
    CHECK(has(get(weftd.port, "/timeout?ms=20000&work=1"), "HTTP/1.1 200 "));
    CHECK(has(get(weftd.port, "/nothing"), "HTTP/1.1 404 "));
    for (const char *bad : { "/executor?ms=x", "/executor?ms=-1", "/executor?ms=60001",
                             "/threadsafe?loop=2", "/timeout?ms=", "/timeout?ms=1&work=1e3" }) {
        CHECK(has(get(weftd.port, bad), "HTTP/1.1 400 "));
    }
    int post = connect_to(weftd.port);
    say(post, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    std::string refused = hear_all(post);
    CHECK(has(refused, "HTTP/1.1 405 "));
    CHECK(has(refused, "Allow: GET, HEAD\r\n"));

    weftd.order(CHANNEL_DRAIN, 10000000000);
    weftd.hear(CHANNEL_DRAINED);
    CHECK(weftd.wait() == 0);
}

TEST_CASE("worker: a drain lets the request in hand come to its end", "[worker][drain]")
{
    supervisor weftd(http);

    weftd.hear(CHANNEL_READY);
    int idle = connect_to(weftd.port);
    int busy = connect_to(weftd.port);
    say(busy, "GET /executor?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n");
    /* The worker must have the request before the order: an answer on the way back shows it. */
    get(weftd.port, "/threadsafe?loop=0");
    get(weftd.port, "/threadsafe?loop=1");
    weftd.order(CHANNEL_PING, 1);
    weftd.hear(CHANNEL_PONG);
    weftd.order(CHANNEL_DRAIN, 20000000000);
    std::string answer = hear_all(busy);
    CHECK(has(answer, "HTTP/1.1 200 OK\r\n"));
    CHECK(has(answer, "{\"ms\":700,"));
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK(hear_all(idle).empty());
    weftd.hear(CHANNEL_DRAINED);
    CHECK(weftd.wait() == 0);
}

TEST_CASE("worker: what is left when the grace is over is cut", "[worker][drain]")
{
    SECTION("echo that waits")
    {
        supervisor weftd(echo);
        weftd.hear(CHANNEL_READY);
        int fd = connect_to(weftd.port);
        char byte = 0;
        say(fd, "x");
        REQUIRE(recv(fd, &byte, 1, 0) == 1);
        CHECK(byte == 'x');
        weftd.order(CHANNEL_DRAIN, 100000000);
        hear_all(fd);
        weftd.hear(CHANNEL_DRAINED);
        CHECK(weftd.wait() == 0);
    }
    SECTION("a task that refuses a cancel")
    {
        supervisor weftd(misbehave("    settings:\n      run: ignore\n"));
        weftd.hear(CHANNEL_READY);
        int fd = connect_to(weftd.port);
        say(fd, "h");
        weftd.order(CHANNEL_PING, 1);
        weftd.hear(CHANNEL_PONG);
        weftd.order(CHANNEL_STOP, 0);
        hear_all(fd);
        weftd.hear(CHANNEL_DRAINED);
        CHECK(weftd.wait() == 0);
    }
    SECTION("hastened by a second order")
    {
        supervisor weftd(echo);
        weftd.hear(CHANNEL_READY);
        int fd = connect_to(weftd.port);
        char byte = 0;
        say(fd, "x");
        REQUIRE(recv(fd, &byte, 1, 0) == 1);
        weftd.order(CHANNEL_DRAIN, 1000000000000);
        weftd.order(CHANNEL_STOP, 0);
        hear_all(fd);
        weftd.hear(CHANNEL_DRAINED);
        CHECK(weftd.wait() == 0);
    }
}

TEST_CASE("worker: says why it cannot start, and exits", "[worker]")
{
    struct {
        std::string services;
        const char *why;
    } cases[] = {
        { "  x:\n    module: /nowhere/to/be/found.so\n", "service x: module /nowhere" },
        { misbehave("    settings:\n      start: fail\n"), "told to fail" },
        { misbehave("    settings:\n      start: hang\n    ready_within: 100ms\n"),
          "service bad did not start on loop" },
        { misbehave("    settings:\n      run: fail\n    restart:\n      tolerance: 1 per 1m\n"
                    "      backoff:\n        first: 1ms\n"),
          "service bad ends too often on loop" },
    };

    for (const auto &one : cases) {
        supervisor weftd(one.services);
        struct channel_packet packet = weftd.hear(CHANNEL_FAILED);
        INFO(packet.text);
        CHECK(has(packet.text, one.why));
        CHECK(weftd.wait() == 1);
    }
}

TEST_CASE("worker: answers pings and counts", "[worker]")
{
    supervisor weftd(misbehave(""));

    weftd.hear(CHANNEL_READY);
    int fd = connect_to(weftd.port);
    say(fd, "w");
    struct channel_packet packet;
    do {
        weftd.order(CHANNEL_PING, 42);
        packet = weftd.hear(CHANNEL_PONG);
        CHECK(packet.number == 42);
    } while (packet.status.n_connections == 0);
    CHECK(packet.status.n_loops == 2);
    CHECK(packet.status.n_accepted == 1);
    CHECK(packet.status.n_tasks >= 3);
    close(fd);
    weftd.order(CHANNEL_STOP, 0);
    weftd.hear(CHANNEL_DRAINED);
    CHECK(weftd.wait() == 0);
}

TEST_CASE("worker: a loop that is blocked is reported, and answers again", "[worker]")
{
    supervisor weftd(misbehave(""));

    weftd.hear(CHANNEL_READY);
    int fd = connect_to(weftd.port);
    say(fd, "b");
    CHECK(has(weftd.hear(CHANNEL_STALLED).text, "bad: loop "));
    weftd.order(CHANNEL_PING, 7);
    CHECK(weftd.hear(CHANNEL_PONG).number == 7);
    CHECK(hear_all(fd) == "b");
    weftd.order(CHANNEL_STOP, 0);
    weftd.hear(CHANNEL_DRAINED);
    CHECK(weftd.wait() == 0);
}

TEST_CASE("worker: without its supervisor it drains and ends", "[worker]")
{
    SECTION("the channel ends")
    {
        supervisor weftd(http);
        weftd.hear(CHANNEL_READY);
        weftd.hang_up();
        CHECK(weftd.wait() == 0);
    }
    SECTION("SIGTERM")
    {
        supervisor weftd(http);
        weftd.hear(CHANNEL_READY);
        kill(weftd.pid, SIGTERM);
        weftd.hear(CHANNEL_DRAINED);
        CHECK(weftd.wait() == 0);
    }
}

TEST_CASE("worker: a failed connection harms nobody else", "[worker]")
{
    supervisor weftd(misbehave(""));

    weftd.hear(CHANNEL_READY);
    int failing = connect_to(weftd.port);
    say(failing, "f");
    hear_all(failing);
    int fd = connect_to(weftd.port);
    say(fd, "x");
    CHECK(hear_all(fd) == "x");
    weftd.order(CHANNEL_STOP, 0);
    weftd.hear(CHANNEL_DRAINED);
    CHECK(weftd.wait() == 0);
}
