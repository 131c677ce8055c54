// Listening sockets: how they are made, and that none closes while anybody has it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <netinet/in.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "supervisor/listeners.h"
}

namespace
{

struct temporary_directory {
    std::string path;

    temporary_directory()
    {
        char name[] = "/tmp/weft-test-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~temporary_directory()
    {
        std::string command = "rm -rf " + path;
        (void)!system(command.c_str());
    }
    std::string file(const std::string &name) const
    {
        return path + "/" + name;
    }
};

struct loaded_config {
    config *value = nullptr;
    config_errors errors;

    explicit loaded_config(const std::string &text)
    {
        config_options options = {};

        options.text = text.c_str();
        options.text_length = text.size();
        config_errors_init(&errors);
        if (config_load_with(&options, "test.yaml", &value, &errors) != 0) {
            config_errors_print(stderr, &errors);
            FAIL("the test's own configuration is wrong");
        }
    }
    ~loaded_config()
    {
        config_destroy(value);
        config_errors_fini(&errors);
    }
    std::string first_error() const
    {
        return errors.first != nullptr ? errors.first->message : "";
    }
};

std::string listeners_text(const std::vector<std::pair<std::string, std::string>> &addresses,
                           const std::string &more = "")
{
    std::string text = "run_directory: /tmp\nlisteners:\n";
    std::string names;

    for (const auto &address : addresses) {
        text += "  " + address.first + ":\n    address: '" + address.second + "'\n" + more;
        names += (names.empty() ? "" : ", ") + address.first;
    }
    return text + "services:\n  echo:\n    module: echo\n    listeners: [" + names + "]\n";
}

// A registry and what a supervisor would do with it.
struct registry {
    listeners *value = nullptr;

    explicit registry(const listeners_store *store = nullptr)
    {
        REQUIRE(listeners_create(store, &value) == 0);
    }
    ~registry()
    {
        listeners_destroy(value);
    }
    int prepare(loaded_config &config, size_t n_loops, listeners_view **view)
    {
        return listeners_prepare(value, config.value, n_loops, &config.errors, view);
    }
};

std::string describe(const listeners_view *view, size_t i)
{
    char text[SOCKETS_TEXT_SIZE];

    listeners_describe(view, i, text, sizeof text);
    return text;
}

std::vector<int> fds(const listeners_view *view, size_t i)
{
    return std::vector<int>(view->items[i].fds, view->items[i].fds + view->items[i].n_fds);
}

bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

int port_of(const std::string &address)
{
    return atoi(address.substr(address.rfind(':') + 1).c_str());
}

// A TCP socket of somebody else, listening or only bound.
int foreign_socket(bool reuse_port, int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    sockaddr_in address = {};
    socklen_t length = sizeof address;

    if (reuse_port) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(fd, (sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(fd, 5) == 0);
    REQUIRE(getsockname(fd, (sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int unix_client(const std::string &path)
{
    sockaddr_un address = {};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path.c_str());
    if (connect(fd, (sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

// A store as the service manager has it: copies of descriptors by name.
std::map<std::string, int> stored;

void keep(const char *name, int fd)
{
    stored[name] = dup(fd);
}

bool is_crashing = false; // nothing reaches the store any more

void drop(const char *name)
{
    if (is_crashing) {
        return;
    }
    close(stored.at(name));
    stored.erase(name);
}

const listeners_store test_store = { keep, drop };

// The next life: everything in the store is handed back.
void restore_all(registry &registry)
{
    for (const auto &entry : stored) {
        REQUIRE(listeners_is_stored_name(entry.first.c_str()));
        REQUIRE(listeners_restore(registry.value, entry.first.c_str(), dup(entry.second)) == 0);
    }
}

void empty_store()
{
    for (const auto &entry : stored) {
        close(entry.second);
    }
    stored.clear();
}

unsigned long inode(int fd)
{
    struct stat status;
    REQUIRE(fstat(fd, &status) == 0);
    return (unsigned long)status.st_ino;
}

std::set<unsigned long> inodes(const listeners_view *view, size_t i)
{
    std::set<unsigned long> all;
    for (int fd : fds(view, i)) {
        all.insert(inode(fd));
    }
    return all;
}

} // namespace

TEST_CASE("listeners: one socket per loop, one for a shared or a unix listener", "[listeners]")
{
    temporary_directory directory;
    registry registry;
    loaded_config config(listeners_text({ { "web", "127.0.0.1:0" },
                                          { "six", "[::1]:0" },
                                          { "local", "unix:" + directory.file("s") } }));
    listeners_view *view = nullptr;

    REQUIRE(registry.prepare(config, 3, &view) == 0);
    REQUIRE(view->n_items == 3);
    CHECK(view->n_fds == 7);
    for (size_t i = 0; i < view->n_items; i++) {
        CHECK(std::string(view->items[i].name) == config.value->listeners[i].name);
        for (int fd : fds(view, i)) {
            CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        }
    }
    for (size_t i = 0; i < view->n_items; i++) {
        size_t wanted = view->items[i].family == CONFIG_FAMILY_UNIX ? 1 : 3;
        CHECK(view->items[i].n_fds == wanted);
        char text[SOCKETS_TEXT_SIZE];
        for (int fd : fds(view, i)) { // all on one port
            sockets_describe(fd, text, sizeof text);
            CHECK(describe(view, i) == text);
        }
    }
    listeners_view_unref(view);
}

TEST_CASE("listeners: a reload keeps the very sockets", "[listeners]")
{
    registry registry;
    loaded_config config(listeners_text({ { "web", "127.0.0.1:0" } }));
    listeners_view *first = nullptr;
    listeners_view *second = nullptr;

    REQUIRE(registry.prepare(config, 2, &first) == 0);
    std::vector<int> before = fds(first, 0);
    std::string address = describe(first, 0);

    SECTION("with as many loops")
    {
        REQUIRE(registry.prepare(config, 2, &second) == 0);
        CHECK(fds(second, 0) == before);
    }
    SECTION("with fewer loops none is closed")
    {
        REQUIRE(registry.prepare(config, 1, &second) == 0);
        CHECK(fds(second, 0) == before);
    }
    SECTION("with more loops the difference is bound to the same port")
    {
        REQUIRE(registry.prepare(config, 5, &second) == 0);
        std::vector<int> after = fds(second, 0);
        REQUIRE(after.size() == 5);
        CHECK(std::equal(before.begin(), before.end(), after.begin()));
        char text[SOCKETS_TEXT_SIZE];
        sockets_describe(after[4], text, sizeof text);
        CHECK(address == text);
        CHECK(fds(first, 0) == before);
        SECTION("and closed again when that reload fails")
        {
            second = listeners_view_unref(second);
            CHECK(is_open(after[1]));
            CHECK_FALSE(is_open(after[4]));
        }
    }
    listeners_view_unref(first);
    for (int fd : before) {
        CHECK(is_open(fd) == (second != nullptr));
    }
    listeners_view_unref(second);
    for (int fd : before) {
        CHECK_FALSE(is_open(fd));
    }
}

TEST_CASE("listeners: a renamed listener keeps its sockets", "[listeners]")
{
    temporary_directory directory;
    registry registry;
    loaded_config before(listeners_text({ { "a", "unix:" + directory.file("s") } }));
    loaded_config after(listeners_text({ { "b", "unix:" + directory.file("s") } }));
    listeners_view *first = nullptr;
    listeners_view *second = nullptr;

    REQUIRE(registry.prepare(before, 1, &first) == 0);
    REQUIRE(registry.prepare(after, 1, &second) == 0);
    CHECK(fds(first, 0) == fds(second, 0));
    CHECK(std::string(second->items[0].name) == "b");
    listeners_view_unref(first);
    int client = unix_client(directory.file("s"));
    CHECK(client >= 0);
    close(client);
    listeners_view_unref(second);
}

TEST_CASE("listeners: a removed listener closes with the last generation that has it",
          "[listeners]")
{
    registry registry;
    loaded_config both(listeners_text({ { "a", "127.0.0.1:0" }, { "b", "127.0.0.1:0" } }));
    loaded_config one(listeners_text({ { "a", "127.0.0.1:0" } }));
    listeners_view *config_view = nullptr;
    listeners_view *next = nullptr;

    REQUIRE(registry.prepare(both, 1, &config_view) == 0);
    listeners_view *generation = listeners_view_ref(config_view);
    size_t b = std::string(config_view->items[0].name) == "b" ? 0 : 1;
    int fd_a = config_view->items[1 - b].fds[0];
    int fd_b = config_view->items[b].fds[0];

    REQUIRE(registry.prepare(one, 1, &next) == 0);
    CHECK(next->items[0].fds[0] == fd_a);
    listeners_view_unref(config_view); // the new configuration is in force
    CHECK(is_open(fd_b));              // the old generation drains
    listeners_view_unref(generation);
    CHECK_FALSE(is_open(fd_b));
    CHECK(is_open(fd_a));
    listeners_view_unref(next);
}

TEST_CASE("listeners: an address that is taken refuses the whole", "[listeners]")
{
    registry registry;
    int port = 0;
    int foreign = foreign_socket(GENERATE(false, true), &port);
    loaded_config config(listeners_text(
        { { "good", "127.0.0.1:0" }, { "taken", "127.0.0.1:" + std::to_string(port) } }));
    listeners_view *view = nullptr;
    int next_fd = dup(0);

    close(next_fd);
    CHECK(registry.prepare(config, 2, &view) == -EINVAL);
    CHECK(view == nullptr);
    REQUIRE(config.errors.n_errors == 1);
    CHECK(config.first_error().find("cannot listen on 127.0.0.1:" + std::to_string(port)) == 0);
    CHECK(config.first_error().find("in use") != std::string::npos);
    CHECK(config.errors.first->line > 0);
    int now_free = dup(0); // nothing stays open
    CHECK(now_free == next_fd);
    close(now_free);

    close(foreign);
    REQUIRE(registry.prepare(config, 2, &view) == 0);
    CHECK(view->n_fds == 4);
    listeners_view_unref(view);
}

TEST_CASE("listeners: the port stays while a generation that drains has it", "[listeners]")
{
    registry registry;
    loaded_config config(listeners_text({ { "a", "127.0.0.1:0" } }));
    loaded_config other(listeners_text({ { "b", "127.0.0.1:0" } }));
    listeners_view *first = nullptr;
    listeners_view *second = nullptr;
    listeners_view *third = nullptr;

    REQUIRE(registry.prepare(config, 1, &first) == 0);
    REQUIRE(registry.prepare(other, 1, &second) == 0);
    CHECK(port_of(describe(first, 0)) != port_of(describe(second, 0)));
    REQUIRE(registry.prepare(config, 1, &third) == 0); // it is back before the first is gone
    CHECK(fds(third, 0) == fds(first, 0));
    listeners_view_unref(first);
    listeners_view_unref(second);
    CHECK(is_open(third->items[0].fds[0]));
    listeners_view_unref(third);
}

TEST_CASE("listeners: a unix socket has its mode and goes with its listener", "[listeners]")
{
    temporary_directory directory;
    registry registry;
    std::string path = directory.file("s");
    mode_t before = umask(022);
    loaded_config config(listeners_text({ { "a", "unix:" + path } }, "    mode: 0620\n"));
    loaded_config changed(listeners_text({ { "a", "unix:" + path } }, "    mode: 0600\n"));
    listeners_view *view = nullptr;
    struct stat status;

    REQUIRE(registry.prepare(config, 1, &view) == 0);
    REQUIRE(lstat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0620);
    CHECK(umask(before) == 022);

    listeners_refresh(view, changed.value);
    REQUIRE(lstat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    SECTION("its file is removed at the end")
    {
        listeners_view_unref(view);
        CHECK(lstat(path.c_str(), &status) != 0);
    }
    SECTION("but not somebody else's in its place")
    {
        REQUIRE(unlink(path.c_str()) == 0);
        REQUIRE(close(open(path.c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
        listeners_view_unref(view);
        CHECK(lstat(path.c_str(), &status) == 0);
    }
}

TEST_CASE("listeners: what is in the way of a unix socket", "[listeners]")
{
    temporary_directory directory;
    registry registry;
    std::string path = directory.file("s");
    std::string target = directory.file("target");
    loaded_config config(listeners_text({ { "a", "unix:" + path } }));
    listeners_view *view = nullptr;
    struct stat status;
    struct stat now;

    SECTION("a dead socket is replaced")
    {
        int fd = -1;
        char why[256];
        REQUIRE(sockets_listen_unix(path.c_str(), 0600, 5, &fd, &status, why, sizeof why) == 0);
        close(fd);
        REQUIRE(registry.prepare(config, 1, &view) == 0);
        int client = unix_client(path);
        CHECK(client >= 0);
        close(client);
        listeners_view_unref(view);
        return;
    }
    SECTION("a living one is not")
    {
        int fd = -1;
        char why[256];
        REQUIRE(sockets_listen_unix(path.c_str(), 0600, 5, &fd, &status, why, sizeof why) == 0);
        CHECK(registry.prepare(config, 1, &view) == -EINVAL);
        CHECK(config.first_error().find("somebody listens on") != std::string::npos);
        int client = unix_client(path);
        CHECK(client >= 0);
        close(client);
        close(fd);
        return;
    }
    SECTION("a file")
    {
        REQUIRE(close(open(path.c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
    }
    SECTION("a directory")
    {
        REQUIRE(mkdir(path.c_str(), 0700) == 0);
    }
    SECTION("a link to a file")
    {
        REQUIRE(close(open(target.c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
        REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
    }
    SECTION("a link to nothing")
    {
        REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
    }
    SECTION("a link to a dead socket")
    {
        int fd = -1;
        char why[256];
        REQUIRE(sockets_listen_unix(target.c_str(), 0600, 5, &fd, &status, why, sizeof why) == 0);
        close(fd);
        REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
    }
    REQUIRE(lstat(path.c_str(), &status) == 0);
    bool had_target = lstat(target.c_str(), &now) == 0;
    CHECK(registry.prepare(config, 1, &view) == -EINVAL);
    CHECK(config.first_error().find("it stays") != std::string::npos);
    REQUIRE(lstat(path.c_str(), &now) == 0);
    CHECK(now.st_ino == status.st_ino);
    CHECK((lstat(target.c_str(), &now) == 0) == had_target); // nothing made through the link
}

TEST_CASE("listeners: two with one address are refused", "[listeners]")
{
    registry registry;
    int port = 0;
    close(foreign_socket(false, &port));
    std::string address = "127.0.0.1:" + std::to_string(port);
    config_options options = {};
    std::string text = listeners_text({ { "a", address }, { "b", address } });
    config *config = nullptr;
    config_errors errors;
    listeners_view *view = nullptr;

    options.text = text.c_str();
    options.text_length = text.size();
    config_errors_init(&errors);
    // Whoever sees it first, the loader or the registry: it does not pass.
    if (config_load_with(&options, "test.yaml", &config, &errors) == 0) {
        CHECK(listeners_prepare(registry.value, config, 1, &errors, &view) == -EINVAL);
    }
    CHECK(errors.n_errors == 1);
    config_destroy(config);
    config_errors_fini(&errors);
}

TEST_CASE("listeners: a socket that was handed over is used and never closed", "[listeners]")
{
    registry registry;
    int port = 0;
    int fd = foreign_socket(false, &port);
    std::string name = GENERATE("web", "other");
    loaded_config config(listeners_text({ { "web", "127.0.0.1:" + std::to_string(port) } }));
    listeners_view *view = nullptr;

    REQUIRE(listeners_adopt(registry.value, name.c_str(), fd) == 0);
    REQUIRE(registry.prepare(config, 4, &view) == 0);
    CHECK(fds(view, 0) == std::vector<int>{ fd });
    CHECK(listeners_unused(registry.value, view, 0) == nullptr);
    listeners_view_unref(view);
    CHECK(is_open(fd));
}

TEST_CASE("listeners: what was handed over and is not used is named", "[listeners]")
{
    registry registry;
    int port = 0;
    int fd = foreign_socket(false, &port);
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    loaded_config config(listeners_text({ { "web", "127.0.0.1:0" } }));
    listeners_view *view = nullptr;

    CHECK(listeners_adopt(registry.value, "x", plain) == -EINVAL);
    close(plain);
    REQUIRE(listeners_adopt(registry.value, "spare", fd) == 0);
    REQUIRE(registry.prepare(config, 1, &view) == 0);
    CHECK(std::string(listeners_unused(registry.value, view, 0)) == "spare");
    CHECK(listeners_unused(registry.value, view, 1) == nullptr);
    listeners_view_unref(view);
}

TEST_CASE("listeners: the next life finds its sockets in the store", "[listeners]")
{
    temporary_directory directory;
    int port = 0;
    close(foreign_socket(false, &port));
    std::string fixed = "127.0.0.1:" + std::to_string(port);
    std::string local = "unix:" + directory.file("s");
    loaded_config config(
        listeners_text({ { "any", "127.0.0.1:0" }, { "fixed", fixed }, { "u", local } }));
    loaded_config other(listeners_text({ { "any", "127.0.0.1:0" }, { "fixed", fixed } }));
    std::set<unsigned long> before[3];
    std::string address;
    listeners_view *view = nullptr;

    empty_store();
    {
        registry first(&test_store);
        std::string file = directory.file("s");

        REQUIRE(first.prepare(config, 2, &view) == 0);
        for (size_t i = 0; i < 3; i++) {
            before[i] = inodes(view, i);
        }
        address = describe(view, 0);
        CHECK(stored.size() == 5);
        SECTION("after a crash")
        {
            is_crashing = true; // neither the store nor the file learns of the end
            REQUIRE(rename(file.c_str(), (file + ".hidden").c_str()) == 0);
            listeners_view_unref(view);
            REQUIRE(rename((file + ".hidden").c_str(), file.c_str()) == 0);
            is_crashing = false;
            CHECK(stored.size() == 5);
        }
        SECTION("after a restart")
        {
            listeners_leave(first.value);
            listeners_view_unref(view);
            CHECK(stored.size() == 4); // the unix socket went with its file
        }
    }
    bool has_unix = stored.size() == 5;
    {
        registry second(&test_store);
        restore_all(second);
        REQUIRE(second.prepare(config, 2, &view) == 0);
        CHECK(describe(view, 0) == address);
        CHECK(inodes(view, 0) == before[0]);
        CHECK(inodes(view, 1) == before[1]);
        CHECK((inodes(view, 2) == before[2]) == has_unix);
        CHECK(stored.size() == 5);
        int client = unix_client(directory.file("s"));
        CHECK(client >= 0);
        close(client);

        listeners_view *next = nullptr;
        REQUIRE(second.prepare(other, 3, &next) == 0); // one goes, two get a socket more
        listeners_view_unref(view);
        CHECK(stored.size() == 6);
        CHECK(inodes(next, 0).size() == 3);
        listeners_view_unref(next);
        CHECK(stored.empty());
    }
}

TEST_CASE("listeners: what the store has and nobody wants is closed before anything is bound",
          "[listeners]")
{
    int port = 0;
    close(foreign_socket(false, &port));
    loaded_config all(listeners_text({ { "a", "0.0.0.0:" + std::to_string(port) } }));
    loaded_config one(listeners_text({ { "a", "127.0.0.1:" + std::to_string(port) } }));
    listeners_view *view = nullptr;

    empty_store();
    {
        registry first(&test_store);
        REQUIRE(first.prepare(all, 2, &view) == 0);
        listeners_leave(first.value);
        listeners_view_unref(view);
    }
    REQUIRE(stored.size() == 2);
    registry second(&test_store);
    restore_all(second);
    REQUIRE(second.prepare(one, 1, &view) == 0);
    CHECK(view->n_fds == 1);
    CHECK(stored.size() == 1);
    CHECK(listeners_restore(second.value, "weft.x", 0) == -EINVAL);
    listeners_view_unref(view);
    CHECK(stored.empty());
}
