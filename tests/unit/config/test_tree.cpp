/* YAML: what is refused of it, and that hostile files end quickly and with a place. */
#include "support.hpp"

TEST_CASE("tree: a key that is given twice names both places", "[config][tree]")
{
    load_text file(served("log:\n"
                          "  level: info\n"
                          "  format: text\n"
                          "  level: debug\n"));
    CHECK(file.text == "f:6:3: error: the key 'level' is given twice\n"
                       "    6 |   level: debug\n"
                       "      |   ^~~~~\n"
                       "f:4:3: note: it was first given here\n"
                       "    4 |   level: info\n"
                       "      |   ^~~~~\n");
    load_text top(served("drain: {}\nlog: {}\ndrain: {}\ndrain: {}\n"));
    CHECK(top.errors.n_errors == 2);
}

TEST_CASE("tree: anchors, aliases, merges and tags are refused in place", "[config][tree]")
{
    load_text file(served("drain: &d {grace: 1s}\n"
                          "log: *d\n"
                          "control: {<<: *d}\n"
                          "loops: {count: !!int 3}\n"));
    CHECK(file.text ==
          "f:3:8: error: anchors are not supported here: '&d'\n"
          "    3 | drain: &d {grace: 1s}\n"
          "      |        ^~~~\n"
          "f:4:6: error: aliases are not supported here: '*d'; write the value again\n"
          "    4 | log: *d\n"
          "      |      ^~\n"
          "f:5:15: error: aliases are not supported here: '*d'; write the value again\n"
          "    5 | control: {<<: *d}\n"
          "      |               ^~\n"
          "f:6:16: error: tags are not supported here: 'tag:yaml.org,2002:int'\n"
          "    6 | loops: {count: !!int 3}\n"
          "      |                ^~~~~~~\n");
}

TEST_CASE("tree: a cycle and a billion laughs are a few complaints", "[config][tree]")
{
    load_text cycle("services: &a {b: *a}\n");
    CHECK(cycle.rc == -EINVAL);
    std::string laughs = "a: &a [x, x]\n";
    for (char c = 'b'; c <= 'z'; c++) {
        std::string before(1, (char)(c - 1));
        laughs += std::string(1, c) + ": &" + c + " [*" + before + ", *" + before + "]\n";
    }
    load_text file(laughs);
    CHECK(file.rc == -EINVAL);
    CHECK(file.errors.n_errors > 50);
}

TEST_CASE("tree: nesting has an end", "[config][tree]")
{
    load_text file("a: " + std::string(10000, '['));
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.substr(0, file.text.find('\n')) ==
          "f:1:35: error: the file is nested deeper than 32 levels");
    std::string block;
    for (int i = 0; i < 600; i++) {
        block += std::string((size_t)i, ' ') + "a:\n";
    }
    load_text deep(block);
    CHECK(deep.rc == -EINVAL);
    CHECK(deep.text.substr(0, deep.text.find('\n')) ==
          "f:33:33: error: the file is nested deeper than 32 levels");
}

TEST_CASE("tree: so has the number of values", "[config][tree]")
{
    std::string many = "a: [";
    for (int i = 0; i < 60000; i++) {
        many += "x, ";
    }
    load_text file(many + "]\n");
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.find("error: there are too many values\n") != std::string::npos);
}

TEST_CASE("tree: many keys in one section are sorted, not compared", "[config][tree]")
{
    std::string many;
    for (int i = 0; i < 24000; i++) {
        many += "k" + std::to_string(i) + ": 1\n";
    }
    load_text file(many + "k0: 2\n");
    CHECK(file.errors.n_errors == 24001);
    load_text entries("executors:\n  " + std::string("x: {}\n"));
    CHECK(entries.rc == 0);
}

TEST_CASE("tree: maps have an end", "[config][tree]")
{
    std::string many = "executors:\n";
    for (int i = 0; i < 65; i++) {
        many += "  k" + std::to_string(i) + ": {}\n";
    }
    load_text file(served(many));
    CHECK(file.text == "f:3:1: error: executors: 65 entries are more than 64\n"
                       "    3 | executors:\n"
                       "      | ^~~~~~~~~\n");
}

TEST_CASE("tree: a second document is refused, markers are not", "[config][tree]")
{
    load_text one("---\n" + served() + "...\n");
    CHECK(one.rc == 0);
    load_text two("---\n" + served() + "---\nlog: {}\n");
    CHECK(two.text == "f:4:1: error: a second document begins here; a config file holds one\n"
                      "    4 | ---\n"
                      "      | ^~~\n");
}

TEST_CASE("tree: syntax errors have both ends", "[config][tree]")
{
    load_text open("listeners:\n"
                   "  a: [x\n"
                   "services: {}\n");
    CHECK(open.rc == -EINVAL);
    CHECK(open.text == "f:3:9: error: did not find expected ',' or ']' while parsing a flow "
                       "sequence\n"
                       "    3 | services: {}\n"
                       "      |         ^\n"
                       "f:2:6: note: it began here\n"
                       "    2 |   a: [x\n"
                       "      |      ^\n");
    load_text quote("log: {level: \"info}\n");
    CHECK(quote.text == "f:2:1: error: found unexpected end of stream while scanning a quoted "
                        "scalar\n"
                        "    2 | \n"
                        "      | ^\n"
                        "f:1:14: note: it began here\n"
                        "    1 | log: {level: \"info}\n"
                        "      |              ^\n");
}

TEST_CASE("tree: tabs are pointed at", "[config][tree]")
{
    load_text file("loops:\n\tcount: 3\n");
    CHECK(file.text == "f:2:1: error: found character that cannot start any token while scanning "
                       "for the next token\n"
                       "    2 |  count: 3\n"
                       "      | ^\n"
                       "f:2:1: note: this is a tab; YAML is indented with spaces only\n"
                       "    2 |  count: 3\n"
                       "      | ^\n");
}

TEST_CASE("tree: an address in brackets is asked to wear quotes", "[config][tree]")
{
    load_text file("listeners:\n"
                   "  a:\n"
                   "    address: [::1]:80\n");
    CHECK(file.text == "f:3:15: error: did not find expected node content while parsing a flow "
                       "node\n"
                       "    3 |     address: [::1]:80\n"
                       "      |               ^\n"
                       "f:3:14: note: an address that begins with [ must stand in quotes\n"
                       "    3 |     address: [::1]:80\n"
                       "      |              ^~~~~\n");
}

TEST_CASE("tree: a variable in flow style is asked to wear quotes", "[config][tree]")
{
    load_text file("control: {mode: ${MODE}}\n");
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.find("f:1:17: note: between { } or [ ] a ${NAME} must stand in quotes\n"
                         "    1 | control: {mode: ${MODE}}\n"
                         "      |                 ^~\n") != std::string::npos);
}

TEST_CASE("tree: keys are single words", "[config][tree]")
{
    CHECK(load_text("{a: b}: c\n").text == "f:1:1: error: a section cannot be a key\n"
                                           "    1 | {a: b}: c\n"
                                           "      | ^\n");
    CHECK(load_text("? [a]\n: c\n").text == "f:1:3: error: a list cannot be a key\n"
                                            "    1 | ? [a]\n"
                                            "      |   ^\n");
}

TEST_CASE("tree: bytes that are no text", "[config][tree]")
{
    CHECK(load_text("log:\n  level: \xff\n").text ==
          "f:2:10: error: the byte 0xff is no UTF-8; save the file as UTF-8\n"
          "    2 |   level: ?\n"
          "      |          ^\n");
    CHECK(load_text("# gr\xfc\xdf e\n").text ==
          "f:1:5: error: the byte 0xfc is no UTF-8; save the file as UTF-8\n"
          "    1 | # gr?? e\n"
          "      |     ^\n");
    CHECK(load_text("\xc3\xa4: \xc0\x80\n").text ==
          "f:1:4: error: the byte 0xc0 is no UTF-8; save the file as UTF-8\n"
          "    1 | \xc3\xa4: ??\n"
          "      |    ^\n");
    CHECK(load_text("a: \xed\xa0\x80\n").rc == -EINVAL);
    CHECK(load_text("a: \x07\n").text == "f:1:4: error: the character U+0007 is not allowed here\n"
                                         "    1 | a: ?\n"
                                         "      |    ^\n");
    CHECK(load_text(std::string("a: b\0c\n", 7)).text ==
          "f:1:5: error: the character U+0000 is not allowed here\n"
          "    1 | a: b?c\n"
          "      |     ^\n");
    CHECK(load_text(std::string("\xff\xfe"
                                "a\0",
                                4))
              .text == "f:1:1: error: the file is in UTF-16; save it as UTF-8\n"
                       "    1 | ??a?\n"
                       "      | ^\n");
    CHECK(load_text("% Gr\xf6\xdf"
                    "e\n")
              .rc == -EINVAL);
}

TEST_CASE("tree: a byte order mark is passed over", "[config][tree]")
{
    load_text file("\xef\xbb\xbflgo: {}\n");
    CHECK(file.text.substr(0, file.text.find('\n')) ==
          "f: warning: there are no services, so nothing will be served");
    CHECK(file.text.find("f:1:1: error: unknown key 'lgo' at the top level") != std::string::npos);
}

TEST_CASE("tree: lines end as YAML ends them", "[config][tree]")
{
    for (std::string end : { "\n", "\r\n", "\r", "\xc2\x85", "\xe2\x80\xa8" }) {
        load_text file("# one" + end + "# two" + end + "lgo: {}" + end);
        REQUIRE(file.errors.first != nullptr);
        const config_diagnostic *error = file.errors.first->next;
        REQUIRE(error != nullptr);
        CHECK(error->line == 3);
        CHECK(std::string(error->excerpt) == "lgo: {}");
    }
}

TEST_CASE("tree: a zero byte cannot hide in an escape", "[config][tree]")
{
    load_text file(served("log: {level: \"in\\0fo\"}\n"));
    CHECK(file.text == "f:3:14: error: a value cannot hold a zero byte\n"
                       "    3 | log: {level: \"in\\0fo\"}\n"
                       "      |              ^~~~~~~~\n");
}

TEST_CASE("tree: words that other readers take for booleans are words", "[config][tree]")
{
    load_text file("listeners: {no: {address: unix:a}, y: {address: unix:b}}\n"
                   "services: {off: {module: echo, listeners: [no, y]}}\n"
                   "loops: {debug: off}\n");
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(config_find_listener(file.config, "no") != nullptr);
    CHECK(config_find_service(file.config, "off") != nullptr);
    CHECK(file.config->loops.debug == CONFIG_DEBUG_OFF);
}
