/*
 * Files and folders on threads: results, positions, cancelled calls, and that no
 * descriptor is lost whatever happens. And watching them.
 */
#include "support/io_world.hpp"
#include "support/sweep.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/resource.h>

#include "weft/alloc.h"
#include "weft/executor.h"
#include "weft/file.h"

extern "C" {
#include "io/io.h"
}

namespace
{

/* A folder of its own for each test, removed at the end. */
class folder
{
  public:
    folder()
    {
        char name[] = "/tmp/weft-test-XXXXXX";
        path = mkdtemp(name);
    }
    ~folder()
    {
        (void)!system(("rm -rf " + path).c_str());
    }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;

    std::string operator/(const std::string &name) const
    {
        return path + "/" + name;
    }
    void put(const std::string &name, const std::string &text) const
    {
        int fd = open((*this / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        (void)!::write(fd, text.data(), text.size());
        ::close(fd);
    }
    std::string get(const std::string &name) const
    {
        std::string all;
        char piece[4096];
        ssize_t n;
        int fd = open((*this / name).c_str(), O_RDONLY | O_CLOEXEC);
        while ((n = ::read(fd, piece, sizeof piece)) > 0) {
            all.append(piece, static_cast<size_t>(n));
        }
        ::close(fd);
        return all;
    }

    std::string path;
};

std::string read_some(weft_file *file, size_t size)
{
    std::string text(size, '\0');
    size_t n = 0;
    int code = weft_file_read(file, &text[0], size, &n);
    return code < 0 ? weft_error_name(code) : text.substr(0, n);
}

std::string next(weft_file_watch *watch)
{
    weft_file_event event;
    int code = weft_file_watch_next(watch, &event);
    if (code < 0) {
        return weft_error_name(code);
    }
    std::string text = weft_file_event_kind_name(event.kind);
    text += event.is_folder ? " folder" : "";
    text += event.old_name[0] != '\0' ? std::string(" ") + event.old_name : "";
    text += event.name[0] != '\0' ? std::string(" ") + event.name : "";
    return text;
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("file: what is written is read, at the position and elsewhere", "[io][file]")
{
    world w;
    folder f;
    lines seen;
    int64_t position = 0;
    int code = w.run([&] {
        weft_file *file;
        size_t n = 0;
        int r = weft_file_open((f / "a").c_str(), O_RDWR | O_CREAT, 0600, &file);
        r |= weft_file_write(file, "hello world", 11, nullptr);
        r |= weft_file_seek(file, 6);
        seen.push_back(read_some(file, 100));
        seen.push_back(read_some(file, 100));
        r |= weft_file_pwrite(file, "HE", 2, 0, &n);
        char text[4];
        r |= weft_file_pread(file, text, 4, 0, &n);
        seen.push_back(std::string(text, n));
        position = weft_file_tell(file);
        r |= weft_file_truncate(file, 5);
        r |= weft_file_fsync(file) | weft_file_fdatasync(file);
        struct stat status;
        r |= weft_file_stat(file, &status);
        seen.push_back(std::to_string(status.st_size));
        r |= weft_file_close(file) | weft_file_close(file);
        seen.push_back(read_some(file, 1));
        seen.push_back(std::to_string(weft_file_get_fd(file)));
        weft_file_destroy(file);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(position == 11);
    REQUIRE(seen == lines{ "world", "", "HEll", "5", "WEFT_ECLOSED", "-1" });
    REQUIRE(f.get("a") == "HEllo");
}

TEST_CASE("file: appending, FIFOs and terminals use the kernel's position", "[io][file]")
{
    world w;
    folder f;
    f.put("log", "1");
    lines seen;
    REQUIRE(mkfifo((f / "fifo").c_str(), 0600) == 0);
    int code = w.run([&] {
        weft_file *file;
        int r = weft_file_open((f / "log").c_str(), O_WRONLY | O_APPEND, 0, &file);
        r |= weft_file_write(file, "2", 1, nullptr);
        f.put("other", "x");
        r |= weft_file_write(file, "3", 1, nullptr);
        seen.push_back(weft_error_name(weft_file_seek(file, 0)));
        seen.push_back(weft_error_name(static_cast<int>(weft_file_tell(file))));
        r |= weft_file_close(file);
        weft_file_destroy(file);

        r |= weft_file_open((f / "fifo").c_str(), O_RDWR, 0, &file);
        r |= weft_file_write(file, "abc", 3, nullptr);
        seen.push_back(read_some(file, 2));
        seen.push_back(read_some(file, 2));
        r |= weft_file_close(file);
        weft_file_destroy(file);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(f.get("log") == "123");
    REQUIRE(seen == lines{ "ESPIPE", "ESPIPE", "ab", "c" });
}

TEST_CASE("file: codes of the system pass through, with a message", "[io][file]")
{
    world w;
    folder f;
    f.put("small", "");
    std::vector<int> codes;
    lines messages;
    size_t written = 0;
    int code = w.run([&] {
        weft_file *file = nullptr;
        struct stat status;
        weft_bytes *data;
        size_t n = 0;
        weft_folder *entries;
        codes.push_back(weft_file_open((f / "none").c_str(), O_RDONLY, 0, &file));
        messages.push_back(weft_current_message(-ENOENT));
        codes.push_back(weft_fs_stat((f / "none").c_str(), &status));
        codes.push_back(weft_fs_readdir((f / "small").c_str(), &entries));
        codes.push_back(weft_fs_read_file(f.path.c_str(), 0, &data));
        codes.push_back(weft_fs_rmdir((f / "small").c_str()));
        codes.push_back(weft_fs_write_file((f / "no/folder").c_str(), "x", 1, 0600));
        codes.push_back(weft_file_open("/dev/full", O_WRONLY, 0, &file));
        codes.push_back(weft_file_write(file, "x", 1, &n));
        char byte;
        codes.push_back(weft_file_pread(file, &byte, 1, 0, &n)); /* not open for reading */
        codes.push_back(weft_file_close(file));
        weft_file_destroy(file);

        /* A write that stops in the middle tells how far it came, then why. */
        struct rlimit before;
        getrlimit(RLIMIT_FSIZE, &before);
        struct rlimit little = { 10, before.rlim_max };
        setrlimit(RLIMIT_FSIZE, &little);
        codes.push_back(weft_file_open((f / "small").c_str(), O_WRONLY, 0, &file));
        codes.push_back(weft_file_write(file, "0123456789abcdef", 16, &written));
        codes.push_back(weft_file_write(file, "abcdef", 6, &n));
        setrlimit(RLIMIT_FSIZE, &before);
        codes.push_back(weft_file_close(file));
        weft_file_destroy(file);
        return 0;
    });
    REQUIRE(code == 0);
    REQUIRE(codes == std::vector<int>{ -ENOENT, -ENOENT, -ENOTDIR, -EISDIR, -ENOTDIR, -ENOENT, 0,
                                       -ENOSPC, -EBADF, 0, 0, 0, -EFBIG, 0 });
    REQUIRE(written == 10);
    REQUIRE(messages[0] == "[Errno 2] No such file or directory: '" + (f / "none") + "'");
}

TEST_CASE("file: folders and paths", "[io][file]")
{
    world w;
    folder f;
    lines names;
    int code = w.run([&] {
        int r = weft_fs_mkdir((f / "sub").c_str(), 0700);
        f.put("b", "bb");
        f.put("a", "");
        r |= symlink("b", (f / "link").c_str());
        weft_folder *entries;
        r |= weft_fs_readdir(f.path.c_str(), &entries);
        for (size_t i = 0; i < weft_folder_get_n(entries); i++) {
            names.push_back(weft_folder_get(entries, i)->name);
        }
        r |= weft_folder_get(entries, 99) == nullptr ? 0 : -1;
        weft_folder_destroy(entries);
        struct stat status;
        r |= weft_fs_stat((f / "link").c_str(), &status);
        names.push_back(std::to_string(status.st_size));
        r |= weft_fs_lstat((f / "link").c_str(), &status);
        names.push_back(S_ISLNK(status.st_mode) ? "link" : "?");
        r |= weft_fs_rename((f / "b").c_str(), (f / "c").c_str());
        r |= weft_fs_truncate((f / "c").c_str(), 1);
        r |= weft_fs_unlink((f / "a").c_str()) | weft_fs_unlink((f / "link").c_str());
        r |= weft_fs_rmdir((f / "sub").c_str());
        r |= weft_fs_readdir(f.path.c_str(), &entries);
        names.push_back(std::to_string(weft_folder_get_n(entries)) +
                        weft_folder_get(entries, 0)->name);
        weft_folder_destroy(entries);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(names == lines{ "a", "b", "link", "sub", "2", "link", "1c" });
    REQUIRE(f.get("c") == "b");
    weft_folder_destroy(nullptr);
    REQUIRE(weft_folder_get_n(nullptr) == 0);
}

TEST_CASE("file: whole files are read up to a limit and replaced at once", "[io][file]")
{
    world w;
    folder f;
    std::string much(100000, 'm');
    f.put("old", "old text");
    chmod((f / "old").c_str(), 0640);
    lines seen;
    int code = w.run([&] {
        weft_bytes *data = nullptr;
        int r = weft_fs_write_file((f / "old").c_str(), much.data(), much.size(), 0600);
        r |= weft_fs_read_file((f / "old").c_str(), 0, &data);
        bool is_same = std::string(data->data, data->size) == much && data->data[data->size] == 0;
        seen.push_back(is_same ? "same" : "other");
        weft_bytes_destroy(data);
        seen.push_back(
            weft_error_name(weft_fs_read_file((f / "old").c_str(), much.size() - 1, &data)));
        r |= weft_fs_read_file((f / "old").c_str(), much.size(), &data);
        weft_bytes_destroy(data);
        r |= weft_fs_read_file("/proc/self/stat", 0, &data); /* says that it has 0 bytes */
        seen.push_back(data->size > 0 ? "some" : "none");
        weft_bytes_destroy(data);
        struct stat status;
        r |= weft_fs_stat((f / "old").c_str(), &status);
        seen.push_back(std::to_string(status.st_mode & 0777));
        weft_folder *entries;
        r |= weft_fs_readdir(f.path.c_str(), &entries);
        seen.push_back(std::to_string(weft_folder_get_n(entries)));
        weft_folder_destroy(entries);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(seen == lines{ "same", "EFBIG", "some", std::to_string(0640), "1" });
}

TEST_CASE("file: a cancelled call leaks no descriptor and moves nothing", "[io][file]")
{
    int before = n_descriptors();
    int turns = GENERATE(0, 1, 2, 3, 50);
    {
        folder f;
        f.put("a", "0123456789");
        world w(/* is_virtual = */ false);
        lines seen;
        int code = w.run([&] {
            weft_file *opened = nullptr;
            weft_task *opener =
                w.spawn([&] { return weft_file_open((f / "a").c_str(), O_RDONLY, 0, &opened); });
            settle(turns);
            weft_task_cancel(opener, nullptr);
            int r = weft_await(opener, nullptr);
            if (r == 0) {
                weft_file_close(opened);
                weft_file_destroy(opened);
            }

            weft_file *file;
            r = weft_file_open((f / "a").c_str(), O_RDONLY, 0, &file);
            bool is_read = false;
            weft_task *reader = w.spawn([&] {
                char four[4];
                size_t n = 0;
                int c = weft_file_read(file, four, 4, &n);
                is_read = c == 0;
                return c;
            });
            settle(turns);
            weft_task_cancel(reader, nullptr);
            (void)weft_await(reader, nullptr);
            r |= weft_file_tell(file) == (is_read ? 4 : 0) ? 0 : -1;
            weft_task *closer = w.spawn([&] { return weft_file_close(file); });
            settle(turns);
            weft_task_cancel(closer, nullptr);
            (void)weft_await(closer, nullptr);
            /* One that was cancelled before it began has closed nothing. */
            r |= weft_file_close(file);
            weft_file_destroy(file);
            return r;
        });
        REQUIRE(code == 0);
    }
    for (int i = 0; i < 10000 && n_descriptors() > before; i++) {
        sched_yield(); /* jobs that were left behind end on their threads */
    }
    REQUIRE(n_descriptors() <= before);
}

TEST_CASE("file: closing while a read waits, a second reader, misuse", "[io][file]")
{
    world w(/* is_virtual = */ false);
    folder f;
    log_recorder log;
    REQUIRE(mkfifo((f / "fifo").c_str(), 0600) == 0);
    f.put("a", "text");
    std::vector<int> codes;
    lines seen;
    int code = w.run([&] {
        weft_file *file;
        size_t n = 0;
        char byte;
        int r = weft_file_open((f / "fifo").c_str(), O_RDWR, 0, &file);
        int fd = weft_file_get_fd(file);
        int keeper = dup(fd);
        weft_task *reader = w.spawn([&] {
            seen.push_back(read_some(file, 10));
            return 0;
        });
        settle(3);
        codes.push_back(weft_file_read(file, &byte, 1, &n)); /* WEFT_ERUNTIME */
        codes.push_back(weft_file_close(file));
        codes.push_back(fcntl(fd, F_GETFD) >= 0 ? 0 : -1); /* the job has its share */
        (void)!::write(keeper, "late", 4);
        (void)weft_await(reader, nullptr);
        weft_file_destroy(file);
        ::close(keeper);

        r |= weft_file_open((f / "a").c_str(), O_RDONLY, 0, &file);
        codes.push_back(weft_file_read(file, nullptr, 1, &n));
        codes.push_back(weft_file_read(file, &byte, 1, nullptr));
        codes.push_back(weft_file_pread(file, &byte, 1, -1, &n));
        codes.push_back(weft_file_seek(file, -1));
        codes.push_back(weft_file_truncate(file, -1));
        codes.push_back(weft_file_stat(file, nullptr));
        codes.push_back(weft_file_read(nullptr, &byte, 1, &n));
        codes.push_back(weft_file_open(nullptr, 0, 0, &file));
        codes.push_back(weft_fs_rename("x", nullptr));
        codes.push_back(weft_fs_stat("x", nullptr));
        codes.push_back(weft_fs_truncate("x", -1));
        weft_file_destroy(file); /* never closed */
        return r;
    });
    codes.push_back(weft_fs_unlink("x")); /* outside of a task */
    REQUIRE(code == 0);
    REQUIRE(seen == lines{ "late" });
    REQUIRE(codes == std::vector<int>{ WEFT_ERUNTIME, 0, 0, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                       WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                       WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                       WEFT_ERUNTIME });
    REQUIRE(log.has("unclosed file <file fd="));
    weft_file_destroy(nullptr);
    weft_file_watch_destroy(nullptr);
}

TEST_CASE("file: the loop's end closes and reports what is open", "[io][file]")
{
    int before = n_descriptors();
    folder f;
    f.put("a", "");
    log_recorder log;
    {
        world w;
        weft_file *file = nullptr;
        weft_file_watch *watch = nullptr;
        int code = w.run([&] {
            int r = weft_file_open((f / "a").c_str(), O_RDONLY, 0, &file);
            r |= weft_file_watch_create(&watch);
            r |= weft_file_watch_add(watch, f.path.c_str(), 0, nullptr);
            (void)w.spawn([&] {
                (void)next(watch);
                return 0;
            });
            settle();
            return r;
        });
        REQUIRE(code == 0);
        w.close();
        weft_file_destroy(file);
        weft_file_watch_destroy(watch);
    }
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 2);
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("file: out of memory at every allocation", "[io][file][oom]")
{
    folder f;
    std::string path = f / "a";
    int n_failed = sweep_out_of_memory(
        [&] {
            weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
            options.virtual_clock = 1;
            weft_loop *loop = nullptr;
            int r = weft_new_event_loop(&options, &loop);
            if (r < 0) {
                return r;
            }
            auto main = [](void *arg) {
                const char *name = static_cast<const char *>(arg);
                weft_file *file;
                WEFT_TRY(weft_file_open(name, O_RDWR | O_CREAT, 0600, &file));
                int code = weft_file_write(file, "abc", 3, nullptr);
                int closed = weft_file_close(file);
                if (closed < 0) { /* no memory: not even begun */
                    closed = weft_file_close(file);
                }
                weft_file_destroy(file);
                WEFT_TRY(code);
                WEFT_TRY(closed);
                weft_file_watch *watch;
                WEFT_TRY(weft_file_watch_create(&watch));
                code = weft_file_watch_add(watch, name, 0, nullptr);
                weft_file_watch_destroy(watch);
                return code;
            };
            r = weft_loop_run_until_complete(loop, weft_coro_create(main, &path[0]), nullptr);
            /* The threads that were left behind free what is theirs. */
            struct wf_io *io = nullptr;
            if (wf_io_get(loop, &io) == 0 && io->files != nullptr) {
                weft_executor_shutdown(io->files, nullptr);
            }
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return r;
        },
        { -ENOSPC, -EMFILE, -EAGAIN, WEFT_ENOSTACK });
    REQUIRE(n_failed > 5);
}

TEST_CASE("file watch: created, modified, moved, deleted, with names", "[io][file][watch]")
{
    world w;
    folder f;
    folder elsewhere;
    lines seen;
    int code = w.run([&] {
        weft_file_watch *watch;
        int id = -1;
        int r = weft_file_watch_create(&watch);
        r |= weft_file_watch_add(watch, f.path.c_str(), 0, &id);
        f.put("a", "text");
        seen.push_back(next(watch));
        seen.push_back(next(watch));
        r |= ::rename((f / "a").c_str(), (f / "b").c_str());
        seen.push_back(next(watch));
        r |= mkdir((f / "sub").c_str(), 0700);
        r |= ::rename((f / "b").c_str(), (elsewhere / "b").c_str());
        seen.push_back(next(watch));
        seen.push_back(next(watch));
        r |= ::rename((elsewhere / "b").c_str(), (f / "c").c_str());
        r |= unlink((f / "c").c_str());
        seen.push_back(next(watch));
        seen.push_back(next(watch));
        r |= weft_file_watch_remove(watch, id);
        seen.push_back(next(watch));
        r |= weft_file_watch_remove(watch, id) == WEFT_EINVAL ? 0 : -1;
        weft_file_watch_destroy(watch);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(seen == lines{ "created a", "modified a", "moved a b", "created folder sub",
                           "deleted b", "created c", "deleted c", "gone" });
}

TEST_CASE("file watch: a single file, other kinds, several paths", "[io][file][watch]")
{
    world w;
    folder f;
    f.put("a", "1");
    f.put("b", "1");
    lines seen;
    std::vector<int> ids;
    int code = w.run([&] {
        weft_file_watch *watch;
        int a = -1;
        int b = -1;
        int again = -1;
        int r = weft_file_watch_create(&watch);
        r |= weft_file_watch_add(watch, (f / "a").c_str(),
                                 WEFT_FILE_WRITTEN | WEFT_FILE_CHANGED | WEFT_FILE_DELETED, &a);
        r |= weft_file_watch_add(watch, (f / "b").c_str(), WEFT_FILE_MODIFIED, &b);
        r |= weft_file_watch_add(watch, (f / "b").c_str(), WEFT_FILE_MODIFIED, &again);
        r |= a != b && b == again ? 0 : -1;
        r |= weft_file_watch_add(watch, (f / "none").c_str(), 0, nullptr) == -ENOENT ? 0 : -1;
        r |= weft_file_watch_add(watch, f.path.c_str(), 4096, nullptr) == WEFT_EINVAL ? 0 : -1;
        f.put("a", "12");
        seen.push_back(next(watch));
        r |= chmod((f / "a").c_str(), 0644);
        seen.push_back(next(watch));
        f.put("b", "12");
        weft_file_event event;
        r |= weft_file_watch_next(watch, &event);
        ids.push_back(event.id == b && event.kind == WEFT_FILE_MODIFIED ? 1 : 0);
        r |= unlink((f / "a").c_str());
        for (int i = 0; i < 6 && (seen.empty() || seen.back() != "gone"); i++) {
            seen.push_back(next(watch));
        }
        weft_file_watch_destroy(watch);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(ids == std::vector<int>{ 1 });
    REQUIRE(seen.front() == "written");
    REQUIRE(seen.back() == "gone");
    REQUIRE(std::find(seen.begin(), seen.end(), "deleted") != seen.end());
}

TEST_CASE("file watch: an overflow is told, and it goes on", "[io][file][watch]")
{
    world w;
    folder f;
    size_t n_events = 0;
    bool has_overflow = false;
    lines seen;
    int code = w.run([&] {
        weft_file_watch *watch;
        int r = weft_file_watch_create(&watch);
        r |= weft_file_watch_add(watch, f.path.c_str(), WEFT_FILE_MODIFIED, nullptr);
        int a = open((f / "a").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        int b = open((f / "b").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (int i = 0; i < 40000; i++) { /* by turns, so that none is merged */
            r |= ::write(i % 2 != 0 ? a : b, "x", 1) == 1 ? 0 : -1;
        }
        weft_file_event event;
        while (r == 0 && !has_overflow && n_events < 60000) {
            r |= weft_file_watch_next(watch, &event);
            n_events++;
            has_overflow = event.kind == WEFT_FILE_OVERFLOW && event.id == -1;
        }
        r |= ::write(a, "x", 1) == 1 ? 0 : -1;
        seen.push_back(next(watch));
        ::close(a);
        ::close(b);
        weft_file_watch_destroy(watch);
        return r;
    });
    REQUIRE(code == 0);
    CHECK(has_overflow); /* unless the machine's limit is above 40000 */
    REQUIRE(seen == lines{ "modified a" });
}

TEST_CASE("file watch: a cancelled wait loses nothing, destroying wakes", "[io][file][watch]")
{
    int turns = GENERATE(0, 1, 2, 3);
    world w;
    folder f;
    lines seen;
    int code = w.run([&] {
        weft_file_watch *watch;
        int r = weft_file_watch_create(&watch);
        r |= weft_file_watch_add(watch, f.path.c_str(), WEFT_FILE_CREATED, nullptr);
        weft_task *waiter = w.spawn([&] {
            seen.push_back(next(watch));
            return 0;
        });
        settle(1);
        f.put("a", "");
        settle(turns);
        weft_task_cancel(waiter, nullptr);
        (void)weft_await(waiter, nullptr);
        if (seen.back() != "created a") {
            seen.clear();
            seen.push_back(next(watch));
        }
        weft_task *other = w.spawn([&] {
            seen.push_back(next(watch));
            return 0;
        });
        settle(2);
        weft_file_event event;
        r |= weft_file_watch_next(watch, &event) == WEFT_ERUNTIME ? 0 : -1;
        weft_file_watch_destroy(watch);
        (void)weft_await(other, nullptr);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(seen == lines{ "created a", "WEFT_ECLOSED" });
}
