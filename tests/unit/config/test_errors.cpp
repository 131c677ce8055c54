/* What each mistake says, to the letter, and that one run says all of them. */
#include "support.hpp"

TEST_CASE("errors: an unknown key names the nearest", "[config][errors]")
{
    load_text file("services:\n"
                   "  web:\n"
                   "    module: echo\n"
                   "    restrat: on-failure\n"
                   "    listeners: [l]\n"
                   "listeners: {l: {address: unix:l}}\n");
    CHECK(file.rc == -EINVAL);
    CHECK(file.config == nullptr);
    CHECK(file.errors.n_errors == 1);
    CHECK(file.text ==
          "f:4:5: error: unknown key 'restrat' in services.web; did you mean 'restart'?\n"
          "    4 |     restrat: on-failure\n"
          "      |     ^~~~~~~\n");
}

TEST_CASE("errors: an unknown key with nothing near gets no suggestion", "[config][errors]")
{
    load_text file(served("frobnicate: 1\n"));
    CHECK(file.text == "f:3:1: error: unknown key 'frobnicate' at the top level\n"
                       "    3 | frobnicate: 1\n"
                       "      | ^~~~~~~~~~\n");
}

TEST_CASE("errors: a required key that is missing", "[config][errors]")
{
    load_text file("listeners:\n"
                   "  web:\n"
                   "    backlog: 5\n"
                   "services: {s: {module: echo, listeners: [web]}}\n");
    CHECK(file.text == "f:2:3: error: listeners.web lacks the required key 'address'\n"
                       "    2 |   web:\n"
                       "      |   ^~~\n");
    load_text empty("listeners:\n  web:\nservices: {s: {module: echo, listeners: [web]}}\n");
    CHECK(empty.text == "f:2:3: error: listeners.web lacks the required key 'address'\n"
                        "    2 |   web:\n"
                        "      |   ^~~\n");
}

TEST_CASE("errors: values of the wrong shape", "[config][errors]")
{
    load_text file(served("loops: [1, 2]\n"
                          "drain: {grace: [30s]}\n"
                          "log: {level: {a: b}}\n"
                          "executors: 5\n"));
    CHECK(file.text == "f:3:8: error: loops: a section is expected, this is a list\n"
                       "    3 | loops: [1, 2]\n"
                       "      |        ^\n"
                       "f:4:16: error: drain.grace: a single value is expected, this is a list\n"
                       "    4 | drain: {grace: [30s]}\n"
                       "      |                ^\n"
                       "f:5:14: error: log.level: a single value is expected, this is a section\n"
                       "    5 | log: {level: {a: b}}\n"
                       "      |              ^\n"
                       "f:6:12: error: executors: a section is expected, this is a single value\n"
                       "    6 | executors: 5\n"
                       "      |            ^\n");
}

TEST_CASE("errors: the top of the file is keys", "[config][errors]")
{
    CHECK(load_text("- a\n- b\n").text == "f: warning: there are no services, so nothing will be "
                                          "served\n"
                                          "f:1:1: error: keys are expected, this is a list\n"
                                          "    1 | - a\n"
                                          "      | ^\n");
}

TEST_CASE("errors: values carry their path, bounds and units", "[config][errors]")
{
    load_text file(served("loops:\n"
                          "  count: 1000\n"
                          "  stack_size: 64k\n"
                          "  slow_callback: 100\n"
                          "  pin: maybe\n"
                          "  debug: chaep\n"
                          "restart: {tolerance: 5 per minute}\n"
                          "control: {mode: rw, socket: ''}\n"
                          "drain:\n"
                          "  grace:\n"));
    CHECK(file.errors.n_errors == 9);
    CHECK(file.text ==
          "f:4:10: error: loops.count: 1000 is outside 1..256 and is not 'auto'\n"
          "    4 |   count: 1000\n"
          "      |          ^~~~\n"
          "f:5:15: error: loops.stack_size: '64k' has no known unit; write 64KiB\n"
          "    5 |   stack_size: 64k\n"
          "      |               ^~~\n"
          "f:6:18: error: loops.slow_callback: '100' has no unit; write 100s\n"
          "    6 |   slow_callback: 100\n"
          "      |                  ^~~\n"
          "f:7:8: error: loops.pin: 'maybe' is neither true nor false\n"
          "    7 |   pin: maybe\n"
          "      |        ^~~~~\n"
          "f:8:10: error: loops.debug: 'chaep' is none of off, cheap, full; did you mean "
          "'cheap'?\n"
          "    8 |   debug: chaep\n"
          "      |          ^~~~~\n"
          "f:9:22: error: restart.tolerance: 'minute' is no duration (write it like 250ms, 10s, "
          "5m or 2h)\n"
          "    9 | restart: {tolerance: 5 per minute}\n"
          "      |                      ^~~~~~~~~~~~\n"
          "f:10:17: error: control.mode: 'rw' is no file mode (write it like 0660)\n"
          "   10 | control: {mode: rw, socket: ''}\n"
          "      |                 ^~\n"
          "f:10:29: error: control.socket: the value is missing\n"
          "   10 | control: {mode: rw, socket: ''}\n"
          "      |                             ^~\n"
          "f:12:9: error: drain.grace: the value is missing\n"
          "   12 |   grace:\n"
          "      |         ^\n");
}

TEST_CASE("errors: names of entries", "[config][errors]")
{
    std::string longest(32, 'n');
    load_text file(served("executors:\n"
                          "  " +
                          longest +
                          ": {}\n"
                          "  " +
                          longest +
                          "n: {}\n"
                          "  a b: {}\n"
                          "  -x: {}\n"
                          "  '': {}\n"));
    CHECK(file.errors.n_errors == 4);
    CHECK(file.text.find("f:5:3: error: '" + longest +
                         "n' is no name in executors: letters, "
                         "digits, - and _, 32 at most\n") != std::string::npos);
    CHECK(file.text.find("f:6:3: error: 'a b' is no name in executors") != std::string::npos);
    CHECK(file.text.find("f:7:3: error: '-x' is no name in executors") != std::string::npos);
    CHECK(file.text.find("f:8:3: error: '' is no name in executors") != std::string::npos);
}

TEST_CASE("errors: lists of names", "[config][errors]")
{
    load_text scalar("listeners: {web: {address: 'unix:w'}}\n"
                     "services: {s: {module: echo, listeners: web}}\n");
    CHECK(scalar.text == "f:2:41: error: services.s.listeners: a list is expected; write [web]\n"
                         "    2 | services: {s: {module: echo, listeners: web}}\n"
                         "      |                                         ^~~\n");
    load_text twice("listeners: {web: {address: 'unix:w'}}\n"
                    "services: {s: {module: echo, listeners: [web, web, [x]]}}\n");
    CHECK(twice.text == "f:2:47: error: services.s.listeners: 'web' is given twice\n"
                        "    2 | services: {s: {module: echo, listeners: [web, web, [x]]}}\n"
                        "      |                                               ^~~\n"
                        "f:2:52: error: services.s.listeners: a name is expected, this is a list\n"
                        "    2 | services: {s: {module: echo, listeners: [web, web, [x]]}}\n"
                        "      |                                                    ^\n");
}

TEST_CASE("errors: services refer to listeners that are there and free", "[config][errors]")
{
    load_text file("listeners:\n"
                   "  web: {address: '127.0.0.1:80'}\n"
                   "services:\n"
                   "  a: {module: http, listeners: [wbe]}\n"
                   "  b: {module: http, listeners: [web]}\n"
                   "  c: {module: http, listeners: [web, nonesuch]}\n");
    CHECK(file.text ==
          "f:4:33: error: services.a.listeners: there is no listener 'wbe'; did you mean 'web'?\n"
          "    4 |   a: {module: http, listeners: [wbe]}\n"
          "      |                                 ^~~\n"
          "f:6:33: error: services.c.listeners: the listener 'web' belongs to another service "
          "already\n"
          "    6 |   c: {module: http, listeners: [web, nonesuch]}\n"
          "      |                                 ^~~\n"
          "f:5:33: note: it is taken here\n"
          "    5 |   b: {module: http, listeners: [web]}\n"
          "      |                                 ^~~\n"
          "f:6:38: error: services.c.listeners: there is no listener 'nonesuch'\n"
          "    6 |   c: {module: http, listeners: [web, nonesuch]}\n"
          "      |                                      ^~~~~~~~\n");
}

TEST_CASE("errors: two listeners cannot have one address", "[config][errors]")
{
    load_text file("listeners:\n"
                   "  a: {address: '[::1]:80'}\n"
                   "  b: {address: '[0::1]:80'}\n"
                   "  c: {address: 'unix:x'}\n"
                   "  d: {address: 'unix:/run/t/x'}\n"
                   "  e: {address: 'unix:control.sock'}\n"
                   "  f: {address: '127.0.0.1:0'}\n"
                   "  g: {address: '127.0.0.1:0'}\n"
                   "services: {s: {module: echo, listeners: [a, b, c, d, e, f, g]}}\n");
    CHECK(file.text ==
          "f:3:16: error: listeners.b.address: [::1]:80 is the address of listener 'a' already\n"
          "    3 |   b: {address: '[0::1]:80'}\n"
          "      |                ^~~~~~~~~~~\n"
          "f:2:16: note: it is given here\n"
          "    2 |   a: {address: '[::1]:80'}\n"
          "      |                ^~~~~~~~~~\n"
          "f:5:16: error: listeners.d.address: unix:/run/t/x is the address of listener 'c' "
          "already\n"
          "    5 |   d: {address: 'unix:/run/t/x'}\n"
          "      |                ^~~~~~~~~~~~~~~\n"
          "f:4:16: note: it is given here\n"
          "    4 |   c: {address: 'unix:x'}\n"
          "      |                ^~~~~~~~\n"
          "f:6:16: error: listeners.e.address: '/run/t/control.sock' is the control socket\n"
          "    6 |   e: {address: 'unix:control.sock'}\n"
          "      |                ^~~~~~~~~~~~~~~~~~~\n");
}

TEST_CASE("errors: a path that is too long for a socket", "[config][errors]")
{
    std::string name(101, 'x');
    load_text file(served("control: {socket: " + name + "}\n"));
    CHECK(file.rc == -EINVAL);
    CHECK(file.text.substr(0, file.text.find('\n')) ==
          "f:3:19: error: control.socket: the path has 108 bytes, a socket's has 107 at most: "
          "'/run/t/" +
              name + "'");
    load_text fits(served("control: {socket: " + name.substr(1) + "}\n"));
    CHECK(fits.rc == 0);
}

TEST_CASE("errors: run_directory is absolute or auto", "[config][errors]")
{
    load_text file(served("run_directory: run/weft\n"));
    CHECK(file.text == "f:3:16: error: run_directory: 'run/weft' is neither an absolute path nor "
                       "'auto'\n"
                       "    3 | run_directory: run/weft\n"
                       "      |                ^~~~~~~~\n");
}

TEST_CASE("errors: the smaller of two is not the larger", "[config][errors]")
{
    load_text file("listeners: {l: {address: unix:l}}\n"
                   "executors: {x: {threads: {min: 9, max: 8}}}\n"
                   "services: {s: {module: echo, listeners: [l],\n"
                   "  restart: {backoff: {first: 1m}}}}\n"
                   "restart: {backoff: {max: 1ms}}\n");
    CHECK(file.text == "f:2:32: error: executors.x.threads: min is above max\n"
                       "    2 | executors: {x: {threads: {min: 9, max: 8}}}\n"
                       "      |                                ^\n"
                       "f:4:30: error: services.s.restart.backoff: first is above max\n"
                       "    4 |   restart: {backoff: {first: 1m}}}}\n"
                       "      |                              ^~\n"
                       "f:5:26: error: restart.backoff: first is above max\n"
                       "    5 | restart: {backoff: {max: 1ms}}\n"
                       "      |                          ^~~\n");
}

TEST_CASE("errors: modules and their settings", "[config][errors]")
{
    load_text file(
        "listeners: {l: {address: unix:l}, k: {address: unix:k}}\n"
        "services:\n"
        "  a: {module: htpp}\n"
        "  b: {module: lib/x.so}\n"
        "  c: {module: http, listeners: [l], settings: {head_limt: 1s, max_headers: 0}}\n"
        "  d: {module: echo, listeners: [k], settings: 5}\n");
    CHECK(file.text ==
          "f:3:15: error: services.a.module: 'htpp' is neither a built-in module (http, echo) nor "
          "an absolute path; did you mean 'http'?\n"
          "    3 |   a: {module: htpp}\n"
          "      |               ^~~~\n"
          "f:4:15: error: services.b.module: 'lib/x.so' is neither a built-in module (http, echo) "
          "nor an absolute path\n"
          "    4 |   b: {module: lib/x.so}\n"
          "      |               ^~~~~~~~\n"
          "f:5:48: error: unknown key 'head_limt' in services.c.settings; did you mean "
          "'head_limit'?\n"
          "    5 |   c: {module: http, listeners: [l], settings: {head_limt: 1s, max_headers: 0}}\n"
          "      |                                                ^~~~~~~~~\n"
          "f:5:76: error: services.c.settings.max_headers: 0 is outside 1..1000\n"
          "    5 |   c: {module: http, listeners: [l], settings: {head_limt: 1s, max_headers: 0}}\n"
          "      |                                                                            ^\n"
          "f:6:47: error: services.d.settings: a section is expected, this is a single value\n"
          "    6 |   d: {module: echo, listeners: [k], settings: 5}\n"
          "      |                                               ^\n");
}

TEST_CASE("errors: settings of a module without a schema are text", "[config][errors]")
{
    load_text file("services:\n"
                   "  a: {module: /lib/x.so, settings: {size: 5, on: no, text: '${x}'}}\n");
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    const config_service *service = config_find_service(file.config, "a");
    REQUIRE(service->settings.count == 3);
    CHECK(config_find_setting(service, "size")->kind == CONFIG_KIND_TEXT);
    CHECK(std::string(config_find_setting(service, "size")->as.text) == "5");
    CHECK(std::string(config_find_setting(service, "on")->as.text) == "no");
    CHECK(std::string(config_find_setting(service, "text")->as.text) == "${x}");
}

TEST_CASE("errors: what has no effect is warned of and loads", "[config][errors]")
{
    load_text file("listeners:\n"
                   "  a: {address: '127.0.0.1:80', mode: 0600}\n"
                   "  b: {address: 'unix:b', spread: per-loop}\n"
                   "  c: {address: 'unix:c', spread: shared}\n"
                   "services:\n"
                   "  s: {module: echo, listeners: [a, b]}\n"
                   "  t: {module: echo}\n");
    CHECK(file.rc == 0);
    CHECK(file.errors.n_errors == 0);
    CHECK(file.errors.n_warnings == 4);
    CHECK(file.text ==
          "f:2:38: warning: listeners.a.mode has no effect: only a unix socket has a file\n"
          "    2 |   a: {address: '127.0.0.1:80', mode: 0600}\n"
          "      |                                      ^~~~\n"
          "f:3:34: warning: listeners.b.spread has no effect: a unix socket is always shared\n"
          "    3 |   b: {address: 'unix:b', spread: per-loop}\n"
          "      |                                  ^~~~~~~~\n"
          "f:4:3: warning: the listener 'c' is used by no service\n"
          "    4 |   c: {address: 'unix:c', spread: shared}\n"
          "      |   ^\n"
          "f:7:3: warning: services.t has no listeners: nobody can connect to it\n"
          "    7 |   t: {module: echo}\n"
          "      |   ^\n");
}

TEST_CASE("errors: one run tells every mistake, in the order of the file", "[config][errors]")
{
    load_text file("log: {levl: info}\n"
                   "services: {web: {modul: http}}\n"
                   "loops: {count: many}\n"
                   "listeners: {l: {address: here}}\n"
                   "nonsense: 1\n");
    CHECK(file.errors.n_errors == 6);
    uint32_t line = 0;
    for (const config_diagnostic *each = file.errors.first; each != nullptr; each = each->next) {
        CHECK(each->line >= line);
        line = each->line;
        CHECK(std::string(each->file) == "f");
        CHECK(each->excerpt != nullptr);
    }
    CHECK(line == 5);
}

TEST_CASE("errors: a hundred are kept and all are counted", "[config][errors]")
{
    std::string text = served();
    for (int i = 0; i < 250; i++) {
        text += "k" + std::to_string(i) + ": 1\n";
    }
    load_text file(text);
    CHECK(file.errors.n_errors == 250);
    CHECK(file.errors.n_kept == 100);
    CHECK(file.text.find("\nand 150 more\n") != std::string::npos);
}

TEST_CASE("errors: variables of the environment", "[config][errors]")
{
    environment variables = { { "RUNTIME_DIRECTORY", "/run/t" },
                              { "LEVEL", "debug" },
                              { "EMPTY", "" },
                              { "MODE", "6" },
                              { "BAD", "a\nb" },
                              { "SELF", "${LEVEL}" } };
    load_text good(served("log: {level: '${LEVEL}'}\n"), variables);
    CHECK(good.text.find("log.level: '${LEVEL}' is none of") != std::string::npos);
    load_text plain(served("log: {level: \"${LEVEL}\", format: \"${NONE:-json}\"}\n"
                           "control: {socket: \"a$${b}$c/${EMPTY:-x}${EMPTY}\"}\n"
                           "drain: {}\ngenerations:\n  max: ${MODE}\n"),
                    variables);
    CHECK(plain.text == "");
    REQUIRE(plain.rc == 0);
    CHECK(plain.config->log.level == CONFIG_LOG_LEVEL_DEBUG);
    CHECK(plain.config->log.format == CONFIG_LOG_FORMAT_JSON);
    CHECK(std::string(plain.config->control.socket) == "/run/t/a${b}$c/x");
    CHECK(plain.config->generations.max == 6);

    load_text bad(served("log: {level: \"${NOPE}\", format: \"${}\"}\n"
                         "control: {socket: \"${BAD}\", mode: \"${MODE\"}\n"
                         "drain: {grace: \"${MO DE}\"}\n"
                         "run_directory: ${SELF}\n"),
                  variables);
    CHECK(bad.text ==
          "f:3:14: error: log.level: the environment variable 'NOPE' is not set; ${NOPE:-default} "
          "has a default\n"
          "    3 | log: {level: \"${NOPE}\", format: \"${}\"}\n"
          "      |              ^~~~~~~~~\n"
          "f:3:33: error: log.format: '${}' is no variable (write it like ${NAME} or "
          "${NAME:-default})\n"
          "    3 | log: {level: \"${NOPE}\", format: \"${}\"}\n"
          "      |                                 ^~~~~\n"
          "f:4:19: error: control.socket: the environment variable 'BAD' holds bytes that are no "
          "text\n"
          "    4 | control: {socket: \"${BAD}\", mode: \"${MODE\"}\n"
          "      |                   ^~~~~~~~\n"
          "f:4:35: error: control.mode: '${' without '}'; write $${ for the two characters "
          "themselves\n"
          "    4 | control: {socket: \"${BAD}\", mode: \"${MODE\"}\n"
          "      |                                   ^~~~~~~~\n"
          "f:5:16: error: drain.grace: '${MO DE}' is no variable (write it like ${NAME} or "
          "${NAME:-default})\n"
          "    5 | drain: {grace: \"${MO DE}\"}\n"
          "      |                ^~~~~~~~~~\n"
          "f:6:16: error: run_directory: '${LEVEL}' is neither an absolute path nor 'auto'\n"
          "    6 | run_directory: ${SELF}\n"
          "      |                ^~~~~~~\n");
}

TEST_CASE("errors: a name of a listener may come from the environment", "[config][errors]")
{
    load_text file("listeners: {web: {address: \"${HOST:-127.0.0.1}:${PORT}\"}}\n"
                   "services: {s: {module: http, listeners: [\"${WHICH}\"]}}\n",
                   { { "RUNTIME_DIRECTORY", "/run/t" }, { "PORT", "81" }, { "WHICH", "web" } });
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(file.config->listeners[0].address.port == 81);
    CHECK(std::string(file.config->services[0].listeners.items[0]) == "web");
}

TEST_CASE("errors: an excerpt is printable and the caret stands below", "[config][errors]")
{
    load_text wide(served("\"\xe6\x97\xa5\xe6\x9c\xac\": {a: 1}\n"));
    CHECK(wide.text == "f:3:1: error: unknown key '\xe6\x97\xa5\xe6\x9c\xac' at the top level\n"
                       "    3 | \"\xe6\x97\xa5\xe6\x9c\xac\": {a: 1}\n"
                       "      | ^~~~~~\n");
    load_text umlaut(served("log: {\xc3\xbc: 1, level: x}\n"));
    CHECK(umlaut.text.find("f:3:20: error: log.level: 'x' is none of") != std::string::npos);
    CHECK(umlaut.text.find("    3 | log: {\xc3\xbc: 1, level: x}\n"
                           "      |                    ^\n") != std::string::npos);
    /* A right-to-left override, written as itself and as an escape. */
    load_text turned(served("\"a\xe2\x80\xae"
                            "b\": 1\n\"\\e[31mred\": 2\n"));
    CHECK(turned.text == "f:3:1: error: unknown key 'a?b' at the top level\n"
                         "    3 | \"a?b\": 1\n"
                         "      | ^~~~~\n"
                         "f:4:1: error: unknown key '?[31mred' at the top level\n"
                         "    4 | \"\\e[31mred\": 2\n"
                         "      | ^~~~~~~~~~~\n");
}

TEST_CASE("errors: a long line is cut to what matters", "[config][errors]")
{
    std::string padding(300, ' ');
    load_text file(served("log: {" + padding + "level: lots" + padding + "}\n"));
    REQUIRE(file.errors.first != nullptr);
    CHECK(file.errors.first->column == 314);
    std::string excerpt = file.errors.first->excerpt;
    std::string caret = file.errors.first->caret;
    CHECK(excerpt.size() < 120);
    CHECK(excerpt.substr(0, 3) == "...");
    CHECK(excerpt.substr(excerpt.size() - 3) == "...");
    CHECK(excerpt.substr(caret.find('^'), 4) == "lots");
    CHECK(caret.substr(caret.find('^')) == "^~~~");
}

TEST_CASE("errors: a finished config can still be complained about", "[config][errors]")
{
    load_text file("listeners:\n"
                   "  web:\n"
                   "    address: 127.0.0.1:80\n"
                   "services: {s: {module: http, listeners: [web]}}\n");
    REQUIRE(file.rc == 0);
    config_errors_add(&file.errors, file.config, CONFIG_ERROR, "listeners.web.address", "%s is %s",
                      "127.0.0.1:80", "taken");
    config_errors_add(&file.errors, file.config, CONFIG_WARNING, "listeners.web.backlog", "small");
    config_errors_add(&file.errors, file.config, CONFIG_ERROR, "drain.grace", "short");
    file.print();
    CHECK(file.errors.n_errors == 2);
    CHECK(file.text == "f: error: short\n"
                       "f:2:3: warning: small\n"
                       "    2 |   web:\n"
                       "      |   ^~~\n"
                       "f:3:14: error: 127.0.0.1:80 is taken\n"
                       "    3 |     address: 127.0.0.1:80\n"
                       "      |              ^~~~~~~~~~~~\n");
}
