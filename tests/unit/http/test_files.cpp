#include "talk.h"

extern "C" {
#include "condition.h"
}

#include "weft/http_files.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Files below a directory that each test makes anew.
 */

namespace
{

class folder
{
  public:
    folder()
    {
        char name[] = "/tmp/weft-files-XXXXXX";
        base = mkdtemp(name) == nullptr ? "" : name;
        root = base + "/root";
        (void)mkdir(root.c_str(), 0755);
    }
    ~folder()
    {
        std::string command = "rm -rf '" + base + "'";
        (void)!std::system(command.c_str());
    }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;

    void write(const std::string &name, const std::string &text, time_t modified = 784111777)
    {
        std::string path = root + "/" + name;
        std::ofstream(path) << text;
        struct timespec times[2] = { { modified, 0 }, { modified, 0 } };
        (void)utimensat(AT_FDCWD, path.c_str(), times, 0);
    }
    void make_folder(const std::string &name)
    {
        (void)mkdir((root + "/" + name).c_str(), 0755);
    }
    void link(const std::string &to, const std::string &name)
    {
        (void)!symlink(to.c_str(), (root + "/" + name).c_str());
    }

    std::string base;
    std::string root;
};

int answer(weft_http_request *request, weft_http_response *response, void *data)
{
    return weft_http_files_answer(static_cast<weft_http_files *>(data), nullptr, request, response);
}

/* The answers to <input> by the files below <where>. */
conversation ask(const folder &where, const std::string &input,
                 const weft_http_files_options *options = nullptr)
{
    weft_http_files *files = nullptr;
    conversation one;
    int r = weft_http_files_create(where.root.c_str(), options, &files);
    if (r < 0) {
        one.result = r;
        return one;
    }
    one = talk_once(input, nullptr, answer, files);
    weft_http_files_destroy(files);
    return one;
}

std::string get(const std::string &path, const std::string &headers = "",
                const std::string &method = "GET")
{
    return method + " " + path + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

bool has(const conversation &one, const std::string &text)
{
    return one.answer.find(text) != std::string::npos;
}

std::string body_of(const conversation &one)
{
    size_t end = one.answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : one.answer.substr(end + 4);
}

int status_of(const folder &where, const std::string &path, const std::string &headers = "")
{
    std::vector<int> found = statuses(ask(where, get(path, headers)).answer);
    return found.size() == 1 ? found[0] : -1;
}

} // namespace

TEST_CASE("a file is served with its type, length, date and tag")
{
    folder where;
    where.write("page.html", "<p>hello</p>");
    conversation one = ask(where, get("/page.html") + get("/page.html?x=y"));

    CHECK(statuses(one.answer) == std::vector<int>{ 200, 200 });
    CHECK(has(one, "Content-Type: text/html; charset=utf-8\r\n"));
    CHECK(has(one, "Content-Length: 12\r\n"));
    CHECK(has(one, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    CHECK(has(one, "ETag: \"2ebc98a1.0-c\"\r\n"));
    CHECK(has(one, "Accept-Ranges: bytes\r\n"));
    CHECK_FALSE(has(one, "Cache-Control"));
    CHECK(body_of(one).compare(0, 12, "<p>hello</p>") == 0);

    conversation head = ask(where, get("/page.html", "", "HEAD"));
    CHECK(has(head, "Content-Length: 12\r\n"));
    CHECK(body_of(head).empty());
    CHECK(statuses(ask(where, get("/page.html", "", "DELETE")).answer) == std::vector<int>{ 405 });

    weft_http_files_options options = WEFT_HTTP_FILES_OPTIONS_INIT;
    options.max_age = WEFT_S(3600);
    CHECK(has(ask(where, get("/page.html"), &options), "Cache-Control: max-age=3600\r\n"));
}

TEST_CASE("nothing outside the directory is served")
{
    folder where;
    std::ofstream(where.base + "/secret") << "secret";
    where.write("inside.txt", "inside");
    where.make_folder("sub");
    where.link("../secret", "out");
    where.link(where.base + "/secret", "absolute");
    where.link("..", "up");
    where.link("/proc/self/root", "magic");
    where.link("inside.txt", "in");
    where.link("../inside.txt", "sub/back");
    where.write(".hidden", "hidden");
    where.make_folder(".well-known");
    where.write(".well-known/security.txt", "known");

    for (const char *path : { "/../secret",
                              "/%2e%2e/secret",
                              "/%2e%2e%2fsecret",
                              "/sub/../../secret",
                              "/sub/..",
                              "/..%2fsecret",
                              "/out",
                              "/absolute",
                              "/up/secret",
                              "/magic/etc/passwd",
                              "/.hidden",
                              "/sub/.hidden",
                              "/%2ehidden",
                              "/none",
                              "/inside.txt/",
                              "/inside.txt/x",

                              "//etc/passwd",
                              "/%2fetc%2fpasswd",
                              "/.",
                              "/./inside.txt" }) {
        CAPTURE(path);
        CHECK(status_of(where, path) == 404);
    }
    for (const char *path : { "/inside.txt%00", "/%zz", "/%2" }) {
        CAPTURE(path);
        CHECK(status_of(where, path) == 400);
    }
    CHECK(body_of(ask(where, get("/in"))) == "inside");
    CHECK(body_of(ask(where, get("/sub/back"))) == "inside");
    CHECK(body_of(ask(where, get("/.well-known/security.txt"))) == "known");
    CHECK(body_of(ask(where, get("/insid%65.txt"))) == "inside");
    CHECK(body_of(ask(where, get("//inside.txt"))) == "inside");
    CHECK(status_of(where, "/" + std::string(5000, 'a')) == 404);
    CHECK(status_of(where, "/" + std::string(300, 'a')) == 404);
}

TEST_CASE("a directory is its index, behind a slash")
{
    folder where;
    where.make_folder("docs");
    where.write("docs/index.html", "docs");
    where.make_folder("empty");

    CHECK(body_of(ask(where, get("/docs/"))) == "docs");
    conversation moved = ask(where, get("/docs?a=b"));
    CHECK(statuses(moved.answer) == std::vector<int>{ 301 });
    CHECK(has(moved, "Location: /docs/?a=b\r\n"));
    CHECK(has(ask(where, get("//docs")), "Location: /docs/\r\n"));
    CHECK(status_of(where, "/empty/") == 404);
    CHECK(status_of(where, "/") == 404);

    weft_http_files_options none = WEFT_HTTP_FILES_OPTIONS_INIT;
    none.index = "";
    CHECK(statuses(ask(where, get("/docs/"), &none).answer) == std::vector<int>{ 404 });
}

TEST_CASE("what is no regular file is not there")
{
    folder where;
    REQUIRE(mkfifo((where.root + "/pipe").c_str(), 0644) == 0);
    CHECK(status_of(where, "/pipe") == 404);
}

TEST_CASE("ranges")
{
    folder where;
    where.write("ten", "0123456789");
    struct {
        const char *range;
        int status;
        const char *body;
        const char *content_range;
    } cases[] = {
        { "bytes=0-0", 206, "0", "bytes 0-0/10" },
        { "bytes=2-4", 206, "234", "bytes 2-4/10" },
        { "bytes=7-", 206, "789", "bytes 7-9/10" },
        { "bytes=-3", 206, "789", "bytes 7-9/10" },
        { "bytes=-99", 206, "0123456789", "bytes 0-9/10" },
        { "bytes=5-99999999999999999999999", 206, "56789", "bytes 5-9/10" },
        { "BYTES=9-9", 206, "9", "bytes 9-9/10" },
        { "bytes=10-", 416, nullptr, "bytes */10" },
        { "bytes=-0", 416, nullptr, "bytes */10" },
        { "bytes=4-2", 200, "0123456789", nullptr },
        { "bytes=0-1,3-4", 200, "0123456789", nullptr },
        { "bytes=", 200, "0123456789", nullptr },
        { "bytes=-", 200, "0123456789", nullptr },
        { "bytes=x-y", 200, "0123456789", nullptr },
        { "lines=1-2", 200, "0123456789", nullptr },
    };

    for (const auto &c : cases) {
        CAPTURE(c.range);
        conversation one = ask(where, get("/ten", std::string("Range: ") + c.range + "\r\n"));
        CHECK(statuses(one.answer) == std::vector<int>{ c.status });
        if (c.body != nullptr) {
            CHECK(body_of(one) == c.body);
        }
        CHECK(has(one, "Content-Range: ") == (c.content_range != nullptr));
        if (c.content_range != nullptr) {
            CHECK(has(one, std::string("Content-Range: ") + c.content_range + "\r\n"));
        }
    }
    where.write("nothing", "");
    CHECK(status_of(where, "/nothing") == 200);
    CHECK(status_of(where, "/nothing", "Range: bytes=0-\r\n") == 416);
}

TEST_CASE("conditions, in the order of RFC 9110 13.2.2")
{
    folder where;
    where.write("f", "0123456789");
    const std::string tag = "\"2ebc98a1.0-a\"";
    const std::string then = "Sun, 06 Nov 1994 08:49:37 GMT";
    const std::string before = "Sunday, 06-Nov-94 08:49:36 GMT";
    const std::string after = "Sun Nov  6 08:49:38 1994";
    struct {
        std::string headers;
        int status;
    } cases[] = {
        { "If-None-Match: " + tag + "\r\n", 304 },
        { "If-None-Match: W/" + tag + "\r\n", 304 },
        { "If-None-Match: \"a,b\", " + tag + "\r\n", 304 },
        { "If-None-Match: *\r\n", 304 },
        { "If-None-Match: \"other\"\r\n", 200 },
        { "If-None-Match: \"other\"\r\nIf-Modified-Since: " + after + "\r\n", 200 },
        { "If-Modified-Since: " + then + "\r\n", 304 },
        { "If-Modified-Since: " + after + "\r\n", 304 },
        { "If-Modified-Since: " + before + "\r\n", 200 },
        { "If-Modified-Since: yesterday\r\n", 200 },
        { "If-Match: " + tag + "\r\n", 200 },
        { "If-Match: *\r\n", 200 },
        { "If-Match: W/" + tag + "\r\n", 412 },
        { "If-Match: \"other\"\r\n", 412 },
        { "If-Unmodified-Since: " + then + "\r\n", 200 },
        { "If-Unmodified-Since: " + before + "\r\n", 412 },
        { "Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n", 206 },
        { "Range: bytes=0-1\r\nIf-Range: W/" + tag + "\r\n", 200 },
        { "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n", 200 },
        { "Range: bytes=0-1\r\nIf-Range: " + then + "\r\n", 206 },
        { "Range: bytes=0-1\r\nIf-Range: " + after + "\r\n", 200 },
        { "Range: bytes=0-1\r\nIf-None-Match: " + tag + "\r\n", 304 },
    };

    for (const auto &c : cases) {
        CAPTURE(c.headers);
        CHECK(status_of(where, "/f", c.headers) == c.status);
    }
    conversation same = ask(where, get("/f", "If-None-Match: " + tag + "\r\n"));
    CHECK(has(same, "ETag: " + tag));
    CHECK(body_of(same).empty());
}

TEST_CASE("a large file comes whole, and others are served meanwhile")
{
    folder where;
    std::string text;
    for (int i = 0; text.size() < 3000000; i++) {
        text += std::to_string(i) + " ";
    }
    where.write("large", text);
    conversation one = ask(where, get("/large") + get("/large", "Range: bytes=1000000-\r\n"));
    size_t first = one.answer.find("\r\n\r\n") + 4;
    CHECK(one.answer.compare(first, text.size(), text) == 0);
    CHECK(one.answer.substr(one.answer.size() - 2000000).size() == 2000000);
    CHECK(one.answer.substr(one.answer.size() - (text.size() - 1000000)) == text.substr(1000000));
    CHECK(one.result == 0);
}

namespace
{

/* Announces more of a file than there is. */
int too_much(weft_http_request *, weft_http_response *response, void *data)
{
    int fd = *static_cast<int *>(data);
    WEFT_TRY(weft_http_response_set_length(response, 100));
    (void)weft_http_response_send_file(response, fd, 0, 100); /* a careless handler */
    return 0;
}

int in_chunks(weft_http_request *, weft_http_response *response, void *data)
{
    int fd = *static_cast<int *>(data);
    WEFT_TRY(weft_http_response_write(response, "<", 1));
    WEFT_TRY(weft_http_response_send_file(response, fd, 2, 3));
    return weft_http_response_send(response, ">", 1);
}

} // namespace

TEST_CASE("a piece of a file among other pieces")
{
    folder where;
    where.write("f", "0123456789");
    int fd = open((where.root + "/f").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);

    conversation chunks = talk_once(get("/"), nullptr, in_chunks, &fd);
    CHECK(body_of(chunks) == "1\r\n<\r\n3\r\n234\r\n1\r\n>\r\n0\r\n\r\n");
    conversation cut = talk_once(get("/"), nullptr, too_much, &fd);
    CHECK(cut.result == WEFT_EINVALIDSTATE);
    close(fd);
}

TEST_CASE("what cannot be served is refused at once")
{
    weft_http_files *files = nullptr;
    weft_http_files_options options = WEFT_HTTP_FILES_OPTIONS_INIT;

    CHECK(weft_http_files_create("/none/such", nullptr, &files) == -ENOENT);
    CHECK(weft_http_files_create("/dev/null", nullptr, &files) == -ENOTDIR);
    CHECK(weft_http_files_create(nullptr, nullptr, &files) == WEFT_EINVAL);
    CHECK(weft_http_files_create("/tmp", nullptr, nullptr) == WEFT_EINVAL);
    options.index = "a/b";
    CHECK(weft_http_files_create("/tmp", &options, &files) == WEFT_EINVAL);
    options.index = nullptr;
    options.max_age = -1;
    CHECK(weft_http_files_create("/tmp", &options, &files) == WEFT_EINVAL);
    CHECK(files == nullptr);
    weft_http_files_destroy(nullptr);
}

TEST_CASE("dates of HTTP")
{
    for (time_t time :
         { time_t{ 0 }, time_t{ 784111777 }, time_t{ 951782400 }, time_t{ 4102444799 } }) {
        char text[WF_HTTP_DATE_SIZE];
        time_t back = -1;
        wf_http_date_format(time, text);
        CAPTURE(text);
        CHECK(wf_http_date_parse(text, &back) == 0);
        CHECK(back == time);
    }
    time_t none = 5;
    for (const char *text : { "", "now", "Sun, 06 Nov 1994 08:49:37",
                              "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 32 Nov 1994 08:49:37 GMT",
                              "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT" }) {
        CAPTURE(text);
        CHECK(wf_http_date_parse(text, &none) == -EINVAL);
    }
    CHECK(none == 5);
}

TEST_CASE("media types")
{
    CHECK(std::string(weft_http_media_type("a/b.HTML")) == "text/html; charset=utf-8");
    CHECK(std::string(weft_http_media_type("x.tar.gz")) == "application/gzip");
    CHECK(std::string(weft_http_media_type("a.css/file")) == "application/octet-stream");
    CHECK(std::string(weft_http_media_type("none")) == "application/octet-stream");
    CHECK(std::string(weft_http_media_type(nullptr)) == "application/octet-stream");
}
