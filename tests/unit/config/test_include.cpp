/* Included files: what they may add, and that nothing outside of the directory is read. */
#include "support.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace
{

/* A main file and its surroundings. */
struct tree : scratch {
    std::string main_path;

    explicit tree(const std::string &main)
    {
        REQUIRE(mkdir((path + "/conf.d").c_str(), 0755) == 0);
        main_path = write("weft.yaml", main);
    }
    /* What loading prints, with the directory's own name taken out. */
    std::string load(int expected)
    {
        loaded file;
        file.file(main_path);
        CHECK(file.rc == expected);
        std::string text = file.text;
        for (size_t at; (at = text.find(path)) != std::string::npos;) {
            text.replace(at, path.size(), "DIR");
        }
        return text;
    }
};

std::string refused(const std::string &pattern)
{
    tree files("include: ['" + pattern + "']\n");
    std::string text = files.load(-EINVAL);
    return text.substr(0, text.find('\n'));
}

} // namespace

TEST_CASE("include: files add sections, entries and keys", "[config][include]")
{
    tree files("include: [conf.d/*.yaml, one.yaml]\n" +
               served("executors:\nlog: {level: debug}\n"));
    files.write("conf.d/20.yaml", "executors: {disk: {threads: {max: 3}}}\n");
    files.write("conf.d/10.yaml", "listeners: {e: {address: unix:e}}\n"
                                  "services: {echo: {module: echo, listeners: [e]}}\n");
    files.write("conf.d/.hidden.yaml", "nonsense: 1\n");
    files.write("conf.d/30.yaml~", "nonsense: 1\n");
    files.write("conf.d/30.yaml", "# Nothing.\n");
    files.write("one.yaml", "log: {format: json}\n");
    loaded file;
    file.file(files.main_path);
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(file.config->include.count == 2);
    CHECK(file.config->n_services == 2);
    CHECK(config_find_executor(file.config, "disk")->threads.max == 3);
    CHECK(file.config->log.level == CONFIG_LOG_LEVEL_DEBUG);
    CHECK(file.config->log.format == CONFIG_LOG_FORMAT_JSON);

    loaded again;
    again.json(to_json(file.config));
    REQUIRE(again.rc == 0);
    CHECK(to_json(again.config) == to_json(file.config));
}

TEST_CASE("include: a complaint names the file that it is about", "[config][include]")
{
    tree files("include: [conf.d/*.yaml]\n" + served("log: {levl: info}\n"));
    files.write("conf.d/b.yaml", "drain: {grace: 5}\nservices: {web: {module: echo}}\n");
    files.write("conf.d/a.yaml", "services: {x: {module: echo, listeners: [wbe]}}\n");
    CHECK(files.load(-EINVAL) ==
          "DIR/weft.yaml:4:7: error: unknown key 'levl' in log; did you mean 'level'?\n"
          "    4 | log: {levl: info}\n"
          "      |       ^~~~\n"
          "DIR/conf.d/a.yaml:1:42: error: services.x.listeners: there is no listener 'wbe'; did "
          "you mean 'web'?\n"
          "    1 | services: {x: {module: echo, listeners: [wbe]}}\n"
          "      |                                          ^~~\n"
          "DIR/conf.d/b.yaml:1:16: error: drain.grace: '5' has no unit; write 5s\n"
          "    1 | drain: {grace: 5}\n"
          "      |                ^\n"
          "DIR/conf.d/b.yaml:2:18: error: the key 'module' is given in two files\n"
          "    2 | services: {web: {module: echo}}\n"
          "      |                  ^~~~~~\n"
          "DIR/weft.yaml:3:18: note: it was first given here\n"
          "    3 | services: {web: {module: http, listeners: [web]}}\n"
          "      |                  ^~~~~~\n");
}

TEST_CASE("include: no way leads out of the directory", "[config][include]")
{
    const std::string out = "' may lead out of the main file's directory; write a path below it";
    CHECK(refused("../x.yaml") == "DIR/weft.yaml:1:11: error: include: '../x.yaml" + out);
    CHECK(refused("conf.d/../../x") == "DIR/weft.yaml:1:11: error: include: 'conf.d/../../x" + out);
    CHECK(refused("/etc/passwd") == "DIR/weft.yaml:1:11: error: include: '/etc/passwd" + out);
    CHECK(refused("..") == "DIR/weft.yaml:1:11: error: include: '.." + out);
    CHECK(refused("conf.d/") == "DIR/weft.yaml:1:11: error: include: 'conf.d/' names no file");
    CHECK(refused("*/x.yaml") ==
          "DIR/weft.yaml:1:11: error: include: '*/x.yaml': only the last part may hold * ? [");
    CHECK(refused("none.yaml") == "DIR/weft.yaml:1:11: error: include: 'none.yaml': cannot be "
                                  "opened: No such file or directory");
    CHECK(refused("none/x.yaml") == "DIR/weft.yaml:1:11: error: include: 'none/' cannot be opened: "
                                    "No such file or directory");
    tree files("include: [none/*.yaml]\n" + served());
    CHECK(files.load(0) == "");
}

TEST_CASE("include: links, pipes and files of others are refused", "[config][include]")
{
    tree files("include: [conf.d/*.yaml]\n" + served());
    std::string target = files.write("target", "drain: {}\n");
    std::string link = files.path + "/conf.d/l.yaml";
    REQUIRE(symlink(target.c_str(), link.c_str()) == 0);
    CHECK(files.load(-EINVAL) ==
          "DIR/weft.yaml:1:11: error: include: 'conf.d/l.yaml': it is a symbolic link; name the "
          "file itself\n"
          "    1 | include: [conf.d/*.yaml]\n"
          "      |           ^~~~~~~~~~~~~\n");
    REQUIRE(unlink(link.c_str()) == 0);
    REQUIRE(mkfifo(link.c_str(), 0600) == 0);
    CHECK(files.load(-EINVAL).find("'conf.d/l.yaml': it is a FIFO, not a regular file\n") !=
          std::string::npos);
    REQUIRE(unlink(link.c_str()) == 0);
    files.write("conf.d/w.yaml", "");
    REQUIRE(chmod((files.path + "/conf.d/w.yaml").c_str(), 0666) == 0);
    CHECK(files.load(-EINVAL).find("'conf.d/w.yaml': everybody may write it; run chmod o-w\n") !=
          std::string::npos);
    REQUIRE(chmod((files.path + "/conf.d/w.yaml").c_str(), 0644) == 0);
    REQUIRE(truncate((files.path + "/conf.d/w.yaml").c_str(), INT64_C(1) << 30) == 0);
    CHECK(files.load(-EINVAL).find("'conf.d/w.yaml': it is larger than 1024 KiB\n") !=
          std::string::npos);
    REQUIRE(truncate((files.path + "/conf.d/w.yaml").c_str(), 0) == 0);
    REQUIRE(chmod((files.path + "/conf.d").c_str(), 0777) == 0);
    CHECK(files.load(-EINVAL).find("include: everybody may write the directory 'conf.d/'\n") !=
          std::string::npos);
    REQUIRE(chmod((files.path + "/conf.d").c_str(), 0755) == 0);
    CHECK(files.load(0) == "");

    tree linked("include: [way/x.yaml]\n" + served());
    linked.write("conf.d/x.yaml", "");
    REQUIRE(symlink("conf.d", (linked.path + "/way").c_str()) == 0);
    CHECK(linked.load(-EINVAL).find("include: 'way/' cannot be opened: a part of it is no "
                                    "directory\n") != std::string::npos);
}

TEST_CASE("include: an included file includes nothing, so there are no loops", "[config][include]")
{
    tree files("include: [a.yaml]\n" + served());
    files.write("a.yaml", "drain: {}\ninclude: [weft.yaml]\n");
    CHECK(files.load(-EINVAL) == "DIR/a.yaml:2:1: error: only the main file may include others\n"
                                 "    2 | include: [weft.yaml]\n"
                                 "      | ^~~~~~~\n");
    files.write("a.yaml", "- a\n");
    CHECK(files.load(-EINVAL) == "DIR/a.yaml:1:1: error: keys are expected, this is a list\n"
                                 "    1 | - a\n"
                                 "      | ^\n");
    files.write("a.yaml", "a: \xff\n");
    CHECK(files.load(-EINVAL).find("DIR/a.yaml:1:4: error: the byte 0xff is no UTF-8") == 0);
    files.write("a.yaml", "a: [\n");
    CHECK(files.load(-EINVAL).find("DIR/a.yaml:2:1: error: did not find expected node") == 0);
}

TEST_CASE("include: files and values have a limit over all", "[config][include]")
{
    tree files("include: [conf.d/*]\n" + served());
    for (int i = 0; i < 257; i++) {
        files.write("conf.d/" + std::to_string(i), "");
    }
    CHECK(files.load(-EINVAL).find("include: more than 256 files\n") != std::string::npos);

    tree large("include: [conf.d/*]\n" + served());
    std::string list = "[";
    for (int i = 0; i < 20000; i++) {
        list += "x,";
    }
    for (int i = 0; i < 3; i++) {
        std::string name = std::to_string(i);
        large.write("conf.d/" + name, "k" + name + ": " + list + "]\n");
    }
    CHECK(large.load(-EINVAL).find("DIR/conf.d/2:1:") == 0);
}

TEST_CASE("include: a pattern may hold a variable, and a list that is none is told",
          "[config][include]")
{
    tree files("include: [\"${WEFT_TEST_NO_SUCH_VARIABLE:-a}.yaml\"]\n" + served());
    files.write("a.yaml", "log: {level: error}\n");
    loaded file;
    file.file(files.main_path);
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(file.config->log.level == CONFIG_LOG_LEVEL_ERROR);
    load_text scalar(served("include: a.yaml\n"));
    CHECK(scalar.text == "f:3:10: error: include: a list of names is expected, this is a single "
                         "value\n"
                         "    3 | include: a.yaml\n"
                         "      |          ^~~~~~\n");
}
