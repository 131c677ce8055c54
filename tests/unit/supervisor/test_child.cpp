// A worker process: what it inherits, what it says, how it dies.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <weft/loop.h>

extern "C" {
#include "supervisor/child.h"
#include "supervisor/listeners.h"
}

namespace
{

// Everything a child told us, for the test to look at afterwards.
struct recorder {
    std::vector<std::string> words;
    std::string text;
    int64_t number = 0;
    bool is_over = false;

    static void on_packet(const channel_packet *packet, void *data)
    {
        recorder *self = (recorder *)data;
        self->words.push_back(channel_kind_name((channel_kind)packet->kind));
        self->text = packet->text;
        self->number = packet->number;
    }
    static void on_silent(void *data)
    {
        ((recorder *)data)->words.push_back("silence");
    }
    static void on_exit(const char *how, void *data)
    {
        recorder *self = (recorder *)data;
        self->words.push_back(how);
        self->is_over = true;
    }
    bool has(const std::string &word) const
    {
        for (const std::string &w : words) {
            if (w == word) {
                return true;
            }
        }
        return false;
    }
    std::string joined() const
    {
        std::string all;
        for (const std::string &w : words) {
            all += (all.empty() ? "" : ", ") + w;
        }
        return all;
    }
};

std::string fake_worker()
{
    return WEFT_TEST_SOURCE_DIR "/tests/daemon/support/fake_worker";
}

// One child on one loop, with one listening socket and a configuration.
struct stage {
    weft_loop *loop = nullptr;
    child *value = nullptr;
    recorder said;
    int config;
    int sockets[2];
    heritage_listener listener;
    std::string behaviour_file;
    std::string program = fake_worker();

    stage()
    {
        char name[] = "/tmp/weft-test-XXXXXX";
        int fd = mkstemp(name);

        REQUIRE(fd >= 0);
        close(fd);
        behaviour_file = name;
        setenv("FAKE_WORKER", name, 1);
        setenv("NOTIFY_SOCKET", "/nowhere", 1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LD_SOMETHING", "x", 1);
        setenv("KEPT", "x", 1);
        REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
        config = memfd_create("config", MFD_CLOEXEC);
        REQUIRE(write(config, "{\"a\":1}", 7) == 7);
        for (int &s : sockets) {
            sockaddr_in address = {};
            s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            REQUIRE(bind(s, (sockaddr *)&address, sizeof address) == 0);
            REQUIRE(listen(s, 5) == 0);
        }
        listener = { "web", CONFIG_FAMILY_IPV4, sockets, 2 };
    }
    ~stage()
    {
        child_destroy(value);
        close(config);
        close(sockets[0]);
        close(sockets[1]);
        weft_loop_close(loop);
        weft_loop_unref(loop);
        unlink(behaviour_file.c_str());
        unsetenv("NOTIFY_SOCKET");
        unsetenv("LISTEN_FDS");
        unsetenv("LD_SOMETHING");
    }

    // child_spawn wants to be called on the loop: it watches on the running one.
    struct spawn_call {
        stage *self;
        child_options options;
        char why[256] = "";
        int rc = 1;

        static int run(void *data)
        {
            spawn_call *call = (spawn_call *)data;
            call->rc = child_spawn(&call->options, &call->self->value, call->why, 256);
            return 0;
        }
    };

    int spawn(const std::string &behaviour, std::string *why = nullptr)
    {
        int fd = open(behaviour_file.c_str(), O_WRONLY | O_TRUNC);
        spawn_call call = {};

        REQUIRE(write(fd, behaviour.data(), behaviour.size()) == (ssize_t)behaviour.size());
        close(fd);
        call.self = this;
        call.options.program = program.c_str();
        call.options.generation = 7;
        call.options.config = config;
        call.options.listeners = &listener;
        call.options.n_listeners = 1;
        call.options.on_packet = recorder::on_packet;
        call.options.on_silent = recorder::on_silent;
        call.options.on_exit = recorder::on_exit;
        call.options.data = &said;
        REQUIRE(weft_loop_call_soon(loop, spawn_call::run, &call, nullptr) == 0);
        while (call.rc == 1) {
            REQUIRE(weft_loop_run_once(loop, WEFT_S(20)) >= 0);
        }
        if (why != nullptr) {
            *why = call.why;
        }
        return call.rc;
    }

    // Bounded by time that only a broken build ever uses up.
    bool wait_for(const std::string &word)
    {
        weft_time limit = weft_clock_now() + WEFT_S(30);

        while (!said.has(word) && !said.is_over && weft_clock_now() < limit) {
            REQUIRE(weft_loop_run_once(loop, WEFT_S(1)) >= 0);
        }
        return said.has(word);
    }

    std::string ask(int socket_index)
    {
        sockaddr_in address = {};
        socklen_t length = sizeof address;
        std::string answer;
        char buffer[4096];
        ssize_t n;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        REQUIRE(getsockname(sockets[socket_index], (sockaddr *)&address, &length) == 0);
        REQUIRE(connect(fd, (sockaddr *)&address, length) == 0);
        while ((n = read(fd, buffer, sizeof buffer)) > 0) {
            answer.append(buffer, (size_t)n);
        }
        close(fd);
        return answer;
    }
};

std::string dump(json_t *root, const char *key)
{
    char *text = json_dumps(json_object_get(root, key), JSON_COMPACT | JSON_ENCODE_ANY);
    std::string copy = text != nullptr ? text : "";

    free(text);
    return copy;
}

} // namespace

TEST_CASE("child: it inherits what its heritage names and nothing else", "[child]")
{
    stage stage;
    int leak = open("/dev/null", O_RDONLY); // without O_CLOEXEC, as a careless library would
    int high = fcntl(leak, F_DUPFD, 300);

    REQUIRE(stage.spawn("ready") == 0);
    REQUIRE(stage.wait_for("ready"));
    CHECK(stage.said.joined() == "status, ready");
    json_t *facts = json_loads(stage.ask(1).c_str(), 0, nullptr);
    REQUIRE(facts != nullptr);
    CHECK(dump(facts, "inherited") == "[0,1,2,3,4,5,6,7]");
    CHECK(dump(facts, "expected") == "[0,1,2,3,4,5,6,7]");
    CHECK(dump(facts, "generation") == "7");
    CHECK(dump(facts, "supervisor") == std::to_string(getpid()));
    CHECK(dump(facts, "config") == "{\"a\":1}");
    CHECK(dump(facts, "arguments") == "[\"--heritage\",\"3\"]");
    std::string environment = dump(facts, "environment");
    CHECK(environment.find("\"KEPT\"") != std::string::npos);
    for (const char *gone : { "NOTIFY_SOCKET", "LISTEN_FDS", "LD_SOMETHING" }) {
        CHECK(environment.find(gone) == std::string::npos);
    }
    json_decref(facts);

    REQUIRE(child_send(stage.value, CHANNEL_PING, 99) == 0);
    REQUIRE(stage.wait_for("pong"));
    CHECK(stage.said.number == 99);
    REQUIRE(child_send(stage.value, CHANNEL_DRAIN, 1000) == 0);
    CHECK(stage.wait_for("exited with status 0"));
    CHECK(stage.said.has("drained"));
    close(leak);
    close(high);
}

TEST_CASE("child: last words come before the death", "[child]")
{
    stage stage;

    REQUIRE(stage.spawn("failed") == 0);
    REQUIRE(stage.wait_for("exited with status 1"));
    CHECK(stage.said.words.front() == "failed");
    CHECK(stage.said.words.back() == "exited with status 1");
    CHECK(stage.said.text == "no such module?[31m");
    CHECK(child_send(stage.value, CHANNEL_PING, 1) == -EPIPE);
}

TEST_CASE("child: a death by signal is named", "[child]")
{
    stage stage;

    REQUIRE(stage.spawn("stubborn") == 0);
    REQUIRE(stage.wait_for("ready"));
    child_kill(stage.value);
    CHECK(stage.wait_for("was killed by SIGKILL"));
    child_kill(stage.value); // harmless
}

TEST_CASE("child: what is no packet is dropped and counted", "[child]")
{
    stage stage;

    REQUIRE(stage.spawn("garbage") == 0);
    REQUIRE(stage.wait_for("ready"));
    CHECK(stage.said.joined() == "status, ready");
    CHECK(child_get_n_dropped(stage.value) == 3);
    child_kill(stage.value);
    CHECK(stage.wait_for("was killed by SIGKILL"));
}

TEST_CASE("child: one that closes the channel is silent and not dead", "[child]")
{
    stage stage;

    REQUIRE(stage.spawn("close-channel") == 0);
    REQUIRE(stage.wait_for("silence"));
    CHECK_FALSE(stage.said.is_over);
    CHECK(child_send(stage.value, CHANNEL_PING, 1) == -EPIPE);
    child_kill(stage.value);
    CHECK(stage.wait_for("was killed by SIGKILL"));
}

TEST_CASE("child: a worker that is not there is an error with its path", "[child]")
{
    stage stage;
    std::string why;

    stage.program = "/nowhere/weft-worker";
    CHECK(stage.spawn("ready", &why) == -ENOENT);
    CHECK(why.find("/nowhere/weft-worker") == 0);
    CHECK(stage.value == nullptr);
}

TEST_CASE("child: neither a spawn nor a death leaves a descriptor open", "[child]")
{
    int before;
    int after;
    stage stage;

    before = dup(0);
    close(before);
    for (int i = 0; i < 3; i++) {
        stage.said = recorder();
        REQUIRE(stage.spawn("die") == 0);
        REQUIRE(stage.wait_for("exited with status 3"));
        child_destroy(stage.value);
        stage.value = nullptr;
    }
    after = dup(0);
    close(after);
    CHECK(after == before);
}
