/* Files that are none, or not ours, or too large. */
#include "support.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TEST_CASE("source: a good file", "[config][source]")
{
    scratch directory;
    std::string path = directory.write("weft.yaml", served("log: {level: nothing}\n"));
    loaded file;
    file.file(path);
    CHECK(file.rc == -EINVAL);
    CHECK(file.text == path + ":3:14: error: log.level: 'nothing' is none of debug, info, warning, "
                              "error, critical\n"
                              "    3 | log: {level: nothing}\n"
                              "      |              ^~~~~~~\n");
    directory.write("weft.yaml", served());
    loaded good;
    good.file(path);
    CHECK(good.rc == 0);
    CHECK(good.text == "");
}

TEST_CASE("source: what is no regular file is refused without waiting", "[config][source]")
{
    scratch directory;
    std::string fifo = directory.path + "/fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    loaded from_fifo;
    from_fifo.file(fifo);
    CHECK(from_fifo.rc == -ENOTSUP);
    CHECK(from_fifo.text == fifo + ": error: it is a FIFO, not a regular file\n");

    loaded from_directory;
    from_directory.file(directory.path);
    CHECK(from_directory.rc == -EISDIR);
    CHECK(from_directory.text ==
          directory.path + ": error: it is a directory, not a regular file\n");

    loaded from_device;
    from_device.file("/dev/zero");
    CHECK(from_device.rc == -ENOTSUP);
    CHECK(from_device.text == "/dev/zero: error: it is a device, not a regular file\n");

    std::string link = directory.path + "/link";
    std::string target = directory.write("weft.yaml", served());
    REQUIRE(symlink(target.c_str(), link.c_str()) == 0);
    loaded from_link;
    from_link.file(link);
    CHECK(from_link.rc == -ELOOP);
    CHECK(from_link.text == link + ": error: it is a symbolic link; name the file itself\n");

    std::string socket_path = directory.path + "/socket";
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, socket_path.c_str());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (sockaddr *)&address, sizeof address) == 0);
    loaded from_socket;
    from_socket.file(socket_path);
    close(fd);
    CHECK(from_socket.rc == -ENXIO);
    CHECK(from_socket.text == socket_path + ": error: it is not a regular file\n");
}

TEST_CASE("source: a file that is not there", "[config][source]")
{
    loaded file;
    file.file("/nonexistent/weft.yaml");
    CHECK(file.rc == -ENOENT);
    CHECK(file.config == nullptr);
    CHECK(file.text ==
          "/nonexistent/weft.yaml: error: cannot be opened: No such file or directory\n");
}

TEST_CASE("source: a file that others may write", "[config][source]")
{
    scratch directory;
    std::string path = directory.write("weft.yaml", served());
    REQUIRE(chmod(path.c_str(), 0666) == 0);
    loaded file;
    file.file(path);
    CHECK(file.rc == -EACCES);
    CHECK(file.text == path + ": error: everybody may write it; run chmod o-w\n");
    if (geteuid() != 0) {
        return;
    }
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    REQUIRE(chown(path.c_str(), 12345, 0) == 0);
    loaded foreign;
    foreign.file(path);
    CHECK(foreign.rc == -EACCES);
    CHECK(foreign.text == path + ": error: it belongs to user 12345, neither to root nor to user 0 "
                                 "who runs weftd\n");
    REQUIRE(chown(path.c_str(), 0, 12345) == 0);
    REQUIRE(chmod(path.c_str(), 0664) == 0);
    loaded group;
    group.file(path);
    CHECK(group.rc == -EACCES);
    CHECK(group.text == path + ": error: its group may write it; run chmod g-w\n");
}

TEST_CASE("source: a file that is too large is not read", "[config][source]")
{
    scratch directory;
    std::string path = directory.write("weft.yaml", "");
    /* Sparse: a GiB that takes no room. */
    REQUIRE(truncate(path.c_str(), INT64_C(1) << 30) == 0);
    loaded file;
    file.file(path);
    CHECK(file.rc == -EFBIG);
    CHECK(file.text == path + ": error: it is larger than 1024 KiB\n");
    std::string comment = "#" + std::string(1024 * 1024 - 1, 'x');
    directory.write("weft.yaml", comment);
    loaded largest;
    largest.file(path);
    CHECK(largest.rc == 0);
    directory.write("weft.yaml", comment + "x");
    loaded larger;
    larger.file(path);
    CHECK(larger.rc == -EFBIG);
    load_text text(comment + "x");
    CHECK(text.rc == -EFBIG);
    CHECK(text.text == "f: error: it is larger than 1024 KiB\n");
}

TEST_CASE("source: a pseudo file that has no size is read to its end", "[config][source]")
{
    loaded file;
    file.file("/proc/self/limits");
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.find("/proc/self/limits:") == 0);
    CHECK(file.text.find("cannot be") == std::string::npos);
}

TEST_CASE("source: memory runs out without a leak or a crash", "[config][source][oom]")
{
    std::string text = served("executors: {a: {}, b: {threads: {min: 1}}}\nlog: {level: debug}\n");
    bool is_done = false;
    for (size_t limit = 1; !is_done && limit < (1 << 20); limit += limit < 2000 ? 64 : 256) {
        config_options options = {};
        options.text = text.data();
        options.text_length = text.size();
        options.memory_limit = limit;
        loaded file;
        file.with(options, "f");
        is_done = file.rc == 0;
        if (!is_done) {
            INFO(limit << " " << file.text);
            REQUIRE(file.rc == -ENOMEM);
            REQUIRE(file.config == nullptr);
            REQUIRE(file.errors.n_errors == 1);
        }
    }
    CHECK(is_done);
}

TEST_CASE("source: a variable cannot blow a value up beyond the limit", "[config][source]")
{
    std::string text = "services: {s: {module: \"";
    for (int i = 0; i < 20000; i++) {
        text += "${BIG}";
    }
    text += "\"}}\n";
    load_text file(text, { { "BIG", std::string(100000, 'x') } });
    CHECK(file.rc == -ENOMEM);
}
