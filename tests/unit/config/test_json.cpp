/* The config as JSON and back; differences of two; explanations. */
#include "support.hpp"

namespace
{

void check_round_trip(const struct config *config)
{
    std::string text = to_json(config);
    REQUIRE(text != "");
    loaded again;
    again.json(text);
    INFO(text);
    CHECK(again.text == "");
    REQUIRE(again.rc == 0);
    CHECK(to_json(again.config) == text);
    struct config_plan plan;
    REQUIRE(config_plan(config, again.config, &plan) == 0);
    CHECK(plan.count == 0);
    config_plan_fini(&plan);
}

std::string plan_of(const std::string &before, const std::string &after)
{
    load_text old_file(before);
    load_text new_file(after);
    INFO(old_file.text << new_file.text);
    REQUIRE(old_file.rc == 0);
    REQUIRE(new_file.rc == 0);
    struct config_plan plan;
    REQUIRE(config_plan(old_file.config, new_file.config, &plan) == 0);
    std::string text = printed([&](FILE *stream) { config_plan_print(stream, &plan); });
    config_plan_fini(&plan);
    return text;
}

std::string explain(const char *path, int expected = 0)
{
    int rc = 1;
    std::string text = printed([&](FILE *stream) { rc = config_explain(stream, path); });
    CHECK(rc == expected);
    return text;
}

int module_of_all_kinds(const char *path, struct config_module_schema *out, char *why, void *)
{
    static const char *const colours[] = { "red", "green", nullptr };
    static config_key keys[6] = {};
    if (strcmp(path, "/good.so") != 0) {
        strcpy(why, "it is of no use");
        return -EINVAL;
    }
    keys[0].path = "word";
    keys[0].kind = CONFIG_KIND_TEXT;
    keys[0].default_text = "";
    keys[1].path = "loud";
    keys[1].kind = CONFIG_KIND_BOOL;
    keys[1].default_text = "no";
    keys[2].path = "colour";
    keys[2].kind = CONFIG_KIND_CHOICE;
    keys[2].choices = colours;
    keys[2].default_text = "green";
    keys[3].path = "peer";
    keys[3].kind = CONFIG_KIND_ADDRESS;
    keys[3].default_text = "[::1]:9";
    keys[4].path = "rate";
    keys[4].kind = CONFIG_KIND_RATE;
    keys[4].default_text = "1 per 1s";
    keys[5].path = "count";
    keys[5].kind = CONFIG_KIND_INTEGER;
    out->keys = keys;
    out->n_keys = 6;
    return 0;
}

} // namespace

TEST_CASE("json: an empty config comes back as it went", "[config][json]")
{
    load_text file("");
    REQUIRE(file.rc == 0);
    check_round_trip(file.config);
}

TEST_CASE("json: every kind of value comes back as it went", "[config][json]")
{
    load_text file(
        "run_directory: \"/tmp/a \\\"b\\\" \\\\ \xc3\xbc \\u2028 \\x85 \\x7f ${X:-$${}\"\n"
        "loops: {count: 3, pin: yes, stack_size: 100KiB, debug: full, slow_callback: 1.5s}\n"
        "executors: {default: {threads: {min: 1, max: 2}}, o: {queue: unlimited}}\n"
        "listeners:\n"
        "  a: {address: '[::1]:80', max_connections: 9, spread: shared}\n"
        "  b: {address: unix:b.sock, mode: 0600}\n"
        "services:\n"
        "  one: {module: http, listeners: [a, b], settings: {max_headers: 5}}\n"
        "  two: {module: /x.so, settings: {a: \"${ x\\n\", 'b c': '', c: 'null'}}\n"
        "restart: {tolerance: 0 per 1ms}\n"
        "log: {level: critical, format: journald}\n");
    INFO(file.text);
    REQUIRE(file.rc == -EINVAL);
    CHECK(file.errors.n_errors == 1);
    CHECK(file.text.find("'${' without '}'") != std::string::npos);

    load_text good(
        "run_directory: \"/tmp/a \\\"b\\\" \\\\ \xc3\xbc \\u2028 \\x85 \\x7f $${X}\"\n"
        "loops: {count: 3, pin: yes, stack_size: 100KiB, debug: full, slow_callback: 1.5s}\n"
        "executors: {default: {threads: {min: 1, max: 2}}, o: {queue: unlimited}}\n"
        "listeners:\n"
        "  a: {address: '[::1]:80', max_connections: 9, spread: shared}\n"
        "  b: {address: unix:b.sock, mode: 0600}\n"
        "services:\n"
        "  one: {module: http, listeners: [a, b], settings: {max_headers: 5}}\n"
        "  two: {module: /x.so, settings: {a: '${ x', 'b c': '', c: 'null'}}\n"
        "restart: {tolerance: 0 per 1ms}\n"
        "log: {level: critical, format: journald}\n");
    INFO(good.text);
    REQUIRE(good.rc == 0);
    CHECK(std::string(good.config->run_directory) ==
          "/tmp/a \"b\" \\ \xc3\xbc \xe2\x80\xa8 \xc2\x85 \x7f ${X}");
    check_round_trip(good.config);
    loaded again;
    again.json(to_json(good.config));
    REQUIRE(again.rc == 0);
    CHECK(std::string(again.config->run_directory) == good.config->run_directory);
    const config_service *two = config_find_service(again.config, "two");
    CHECK(std::string(config_find_setting(two, "a")->as.text) == "${ x");
    CHECK(std::string(config_find_setting(two, "b c")->as.text) == "");
    const config_service *one = config_find_service(again.config, "one");
    CHECK(config_find_setting(one, "head_limit")->kind == CONFIG_KIND_DURATION);
    CHECK(config_find_setting(one, "head_limit")->as.number == INT64_C(10000000000));
}

TEST_CASE("json: a module's settings keep their kinds", "[config][json]")
{
    load_text file("services: {s: {module: /good.so, settings: {count: -4, colour: red}}}\n", {},
                   module_of_all_kinds);
    INFO(file.text);
    REQUIRE(file.rc == 0);
    check_round_trip(file.config);
    loaded again;
    again.json(to_json(file.config));
    const config_service *service = config_find_service(again.config, "s");
    REQUIRE(service->settings.count == 6);
    CHECK(config_find_setting(service, "word")->kind == CONFIG_KIND_TEXT);
    CHECK_FALSE(config_find_setting(service, "loud")->as.boolean);
    CHECK(config_find_setting(service, "colour")->kind == CONFIG_KIND_CHOICE);
    CHECK(std::string(config_find_setting(service, "colour")->as.text) == "red");
    CHECK(config_find_setting(service, "peer")->as.address.port == 9);
    CHECK(config_find_setting(service, "rate")->as.rate.period == 1000000000);
    CHECK(config_find_setting(service, "count")->as.number == -4);
}

TEST_CASE("json: a module that is refused says why at its place", "[config][json]")
{
    load_text file("services: {s: {module: /bad.so, settings: {x: 1}}}\n", {}, module_of_all_kinds);
    CHECK(file.text == "f:1:24: error: services.s.module: '/bad.so': it is of no use\n"
                       "    1 | services: {s: {module: /bad.so, settings: {x: 1}}}\n"
                       "      |                        ^~~~~~~\n");
    load_text missing("services: {s: {module: /good.so}}\n", {}, module_of_all_kinds);
    CHECK(missing.text == "f:1:12: error: services.s.settings lacks the required key 'count'\n"
                          "    1 | services: {s: {module: /good.so}}\n"
                          "      |            ^\n");
}

TEST_CASE("json: compact JSON of another writer is read too", "[config][json]")
{
    loaded file;
    file.json("{\"run_directory\":\"\\/run\\/x\",\"loops\":{\"count\":2},\"services\":"
              "{\"a\":{\"module\":\"\\/m.so\",\"settings\":{\"k\":{\"duration\":\"2s\"}}}}}");
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    CHECK(file.config->loops.count == 2);
    CHECK(std::string(file.config->run_directory) == "/run/x");
    CHECK(config_find_setting(&file.config->services[0], "k")->as.number == 2000000000);
}

TEST_CASE("json: what config_to_json() did not write is refused", "[config][json]")
{
    for (const char *text : { "", "{", "[]", "5", "{\"loops\": 5, \"run_directory\": \"/r\"}",
                              "{\"run_directory\": \"relative\"}", "{\"run_directory\": \"/r\"} x",
                              "{\"run_directory\": \"/r\", \"unknown\": 1}" }) {
        loaded file;
        file.json(text);
        INFO(text);
        CHECK(file.rc == -EINVAL);
        CHECK(file.errors.n_errors > 0);
    }
}

TEST_CASE("plan: the same file, written differently, changes nothing", "[config][plan]")
{
    CHECK(plan_of(served("drain: {grace: 60s}\n"), served("drain:\n  grace: 1m\n")) ==
          "nothing changes\n");
    CHECK(plan_of("executors: {a: {}, b: {}}\n", "executors: {b: {}, a: {}}\n") ==
          "nothing changes\n");
}

TEST_CASE("plan: the strongest change decides", "[config][plan]")
{
    CHECK(plan_of(served(), served("log: {level: debug}\n")) ==
          "live        log.level: info -> debug\n"
          "1 change; it takes: live\n");
    CHECK(plan_of(served("log: {level: debug}\nloops: {count: auto}\n"),
                  served("loops: {count: 2}\ncontrol: {mode: 0660}\n")) ==
          "generation  loops.count: auto -> 2\n"
          "restart     control.mode: 0600 -> 0660\n"
          "live        log.level: debug -> info\n"
          "3 changes; it takes: restart\n");
}

TEST_CASE("plan: entries come, go and change", "[config][plan]")
{
    CHECK(plan_of("listeners: {a: {address: unix:a}, b: {address: unix:b}}\n"
                  "services: {s: {module: echo, listeners: [a, b]},\n"
                  "           t: {module: /m.so, settings: {x: 1, y: 2}}}\n",
                  "listeners: {c: {address: unix:c}, b: {address: unix:b, backlog: 5}}\n"
                  "services: {s: {module: echo, listeners: [b, c], settings: {idle_limit: 1s}},\n"
                  "           t: {module: /m.so, settings: {x: 3, z: 4}}}\n") ==
          "generation  listeners.a: address: unix:/run/t/a -> (none)\n"
          "generation  listeners.b.backlog: 1024 -> 5\n"
          "generation  listeners.c: (none) -> address: unix:/run/t/c\n"
          "generation  services.s.listeners: [a, b] -> [b, c]\n"
          "generation  services.s.settings.idle_limit: 5m -> 1s\n"
          "generation  services.t.settings.x: 1 -> 3\n"
          "generation  services.t.settings.y: 2 -> (none)\n"
          "generation  services.t.settings.z: (none) -> 4\n"
          "8 changes; it takes: generation\n");
}

TEST_CASE("explain: one key", "[config][explain]")
{
    CHECK(explain("loops.stack_size") ==
          "loops.stack_size\n"
          "    The usable stack of a task that does not ask for another.\n"
          "    value:   a size: 512B, 64KiB, 1MiB (B KiB MiB GiB)\n"
          "    default: 64KiB\n"
          "    bounds:  16KiB..64MiB\n"
          "    apply:   generation\n");
    CHECK(explain("services.web.restart.policy") == explain("services.*.restart.policy"));
    CHECK(explain("services.web.restart.policy")
              .find("value:   one of permanent, transient, temporary\n") != std::string::npos);
    CHECK(explain("listeners.web.address").find("default: none; it must be given\n") !=
          std::string::npos);
    CHECK(explain("loops.count").find("bounds:  1..256 or auto\n") != std::string::npos);
    CHECK(explain("services.web.settings.max_headers").find("(module http)") != std::string::npos);
    CHECK(explain("services.web.settings.idle_limit").find("(module echo)") != std::string::npos);
}

TEST_CASE("explain: a section lists its keys", "[config][explain]")
{
    std::string text = explain("drain");
    CHECK(text.find("drain\n") == 0);
    CHECK(text.find("\ndrain.grace\n") != std::string::npos);
    std::string entry = explain("executors.mine");
    CHECK(entry.find("\nexecutors.*.threads.min\n") != std::string::npos);
    CHECK(entry.find("listeners") == std::string::npos);
    CHECK(explain("services.x.restart").find("\nservices.*.restart.backoff.first\n") !=
          std::string::npos);
    CHECK(explain("services.x.settings").find("head_limit (module http)") != std::string::npos);
}

TEST_CASE("explain: all keys are a reference", "[config][explain]")
{
    std::string text = explain(nullptr);
    CHECK(text == explain(""));
    for (const char *key : { "run_directory", "loops.count", "executors.*.idle", "control.mode",
                             "services.*.settings.idle_limit (module echo)" }) {
        CHECK(text.find("\n" + std::string(key) + "\n") != std::string::npos);
    }
    size_t longest = 0;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        longest = std::max(longest, end - at);
        at = end + 1;
    }
    CHECK(longest <= 80);
}

TEST_CASE("explain: an unknown key names what is near", "[config][explain]")
{
    CHECK(explain("loops.cuont", -ENOENT) ==
          "there is no key 'loops.cuont'; did you mean 'loops.count'?\n");
    CHECK(explain("mode", -ENOENT) == "there is no key 'mode'\n"
                                      "    listeners.*.mode\n"
                                      "    control.mode\n"
                                      "    status.mode\n");
    CHECK(explain("loops.count.more", -ENOENT) == "there is no key 'loops.count.more'\n");
    CHECK(explain("services..module", -ENOENT).find("there is no key") == 0);
    CHECK(explain(std::string(5000, '.').c_str(), -ENOENT).find("there is no key") == 0);
}
