/* The table itself, and the file that shows it. */
#include "support.hpp"

#include <fstream>
#include <sstream>

extern "C" {
#include "config/schema.h"
#include "config/tree.h"
#include "config/value.h"
}

namespace
{

std::string default_file()
{
    std::ifstream stream(WEFT_TEST_SOURCE_DIR "/config/weft.yaml");
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

void check_row(const config_key &row)
{
    INFO(row.path);
    REQUIRE(row.doc != nullptr);
    std::string doc = row.doc;
    CHECK(doc.back() == '.');
    bool is_holder = row.kind == CONFIG_KIND_SECTION || row.kind == CONFIG_KIND_MAP ||
                     row.kind == CONFIG_KIND_SETTINGS || row.kind == CONFIG_KIND_NAMES;
    if (is_holder || row.default_text == nullptr) {
        return;
    }
    config_arena arena;
    config_value value;
    char why[CONFIG_WHY_SIZE];
    config_arena_init(&arena, 1 << 16);
    int rc =
        config_value_parse(&row, row.default_text, strlen(row.default_text), &arena, &value, why);
    INFO(why);
    CHECK(rc == 0);
    config_arena_fini(&arena);
}

/* Whether some key of the tree has the row's path. */
bool is_shown(const config_node *mapping, const std::string &path)
{
    size_t dot = path.find('.');
    std::string word = path.substr(0, dot);
    if (mapping == nullptr || mapping->kind != CONFIG_NODE_MAPPING) {
        return false;
    }
    for (const config_node *key = mapping->first; key != nullptr; key = key->next) {
        if (word != "*" && word != key->text) {
            continue;
        }
        if (dot == std::string::npos || is_shown(key->value, path.substr(dot + 1))) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("schema: every row has a doc and a default that its own rules allow", "[config][schema]")
{
    for (size_t i = 0; i < config_schema_count; i++) {
        check_row(config_schema[i]);
    }
    for (const char *name : { "http", "proxy", "echo", "status" }) {
        const config_module_schema *schema = config_builtin_module(name);
        REQUIRE(schema != nullptr);
        for (size_t i = 0; i < schema->n_keys; i++) {
            check_row(schema->keys[i]);
            CHECK((schema->keys[i].default_text == nullptr) ==
                  (strcmp(schema->keys[i].path, "upstreams") == 0));
        }
    }
    CHECK(config_builtin_module("https") == nullptr);
}

TEST_CASE("schema: a row stands behind its parent", "[config][schema]")
{
    for (size_t i = 0; i < config_schema_count; i++) {
        std::string path = config_schema[i].path;
        size_t dot = path.rfind('.');
        if (dot == std::string::npos) {
            continue;
        }
        std::string parent = path.substr(0, dot);
        if (parent.size() > 2 && parent.substr(parent.size() - 2) == ".*") {
            parent.resize(parent.size() - 2);
        }
        INFO(path);
        const config_key *row = config_schema_row(parent.c_str());
        REQUIRE(row != nullptr);
        CHECK(row < &config_schema[i]);
    }
}

TEST_CASE("schema: weft.yaml names every key and every built-in setting", "[config][schema]")
{
    std::string text = default_file();
    config_arena arena;
    config_errors errors;
    config_node *root = nullptr;
    config_source source = { "weft.yaml", text.c_str(), text.size(), 0 };
    config_arena_init(&arena, 1 << 24);
    config_errors_init(&errors);
    size_t budget = CONFIG_TREE_NODES;
    REQUIRE(config_tree_parse(&source, &budget, &arena, &errors, &root) == 0);
    for (size_t i = 0; i < config_schema_count; i++) {
        INFO(config_schema[i].path);
        CHECK(is_shown(root, config_schema[i].path));
    }
    for (const char *name : { "http", "echo" }) {
        const config_module_schema *schema = config_builtin_module(name);
        for (size_t i = 0; i < schema->n_keys; i++) {
            std::string path =
                std::string("services.") + name + ".settings." + schema->keys[i].path;
            INFO(path);
            CHECK(is_shown(root, path));
        }
    }
    config_errors_fini(&errors);
    config_arena_fini(&arena);
}

TEST_CASE("schema: weft.yaml shows the defaults", "[config][schema]")
{
    load_text file(default_file());
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    load_text bare("listeners:\n"
                   "  web: {address: '127.0.0.1:8080'}\n"
                   "  echo-tcp: {address: '127.0.0.1:7007'}\n"
                   "  echo-unix: {address: 'unix:echo.sock'}\n"
                   "services:\n"
                   "  http: {module: http, listeners: [web]}\n"
                   "  echo: {module: echo, listeners: [echo-tcp, echo-unix]}\n");
    REQUIRE(bare.rc == 0);
    CHECK(to_json(file.config) == to_json(bare.config));
}

TEST_CASE("schema: an empty file is all defaults", "[config][schema]")
{
    load_text empty("");
    CHECK(empty.text == "f: warning: there are no services, so nothing will be served\n");
    REQUIRE(empty.rc == 0);
    const struct config *config = empty.config;
    CHECK(std::string(config->run_directory) == "/run/t");
    CHECK(config->loops.count == 0);
    CHECK_FALSE(config->loops.pin);
    CHECK(config->loops.stack_size == 65536);
    CHECK(config->loops.debug == CONFIG_DEBUG_CHEAP);
    CHECK(config->loops.slow_callback == 100000000);
    REQUIRE(config->n_executors == 1);
    CHECK(std::string(config->executors[0].name) == "default");
    CHECK(config->executors[0].threads.max == 0);
    CHECK(config->executors[0].queue == 1024);
    CHECK(config->executors[0].when_full == CONFIG_WHEN_FULL_WAIT);
    CHECK(config->executors[0].idle == INT64_C(30000000000));
    CHECK(config->n_listeners == 0);
    CHECK(config->n_services == 0);
    CHECK(config->restart.policy == CONFIG_POLICY_PERMANENT);
    CHECK(config->restart.tolerance.count == 5);
    CHECK(config->restart.tolerance.period == INT64_C(60000000000));
    CHECK(config->restart.backoff.first == 100000000);
    CHECK(config->restart.backoff.max == INT64_C(30000000000));
    CHECK(config->drain.grace == INT64_C(30000000000));
    CHECK(config->generations.max == 4);
    CHECK(std::string(config->control.socket) == "/run/t/control.sock");
    CHECK(config->control.mode == 0600);
    CHECK(config->log.level == CONFIG_LOG_LEVEL_INFO);
    CHECK(config->log.format == CONFIG_LOG_FORMAT_AUTO);
}

TEST_CASE("schema: a full file fills every member", "[config][schema]")
{
    load_text file(
        "run_directory: /srv/weft\n"
        "loops: {count: 3, pin: yes, stack_size: 128KiB, debug: off, slow_callback: 1s}\n"
        "executors:\n"
        "  disk: {threads: {min: 2, max: 8}, queue: unlimited, when_full: reject, idle: 1m}\n"
        "listeners:\n"
        "  a: {address: '[::1]:80', backlog: 7, max_connections: 9, spread: shared}\n"
        "  b: {address: unix:b.sock, mode: 0600}\n"
        "services:\n"
        "  one:\n"
        "    module: http\n"
        "    listeners: [a, b]\n"
        "    settings: {max_headers: 5, head_limit: 2s}\n"
        "    restart: {policy: transient, tolerance: 2 per 10s,\n"
        "              backoff: {first: 1s, max: 1m}}\n"
        "    ready_within: 3s\n"
        "control: {socket: /run/c.sock, mode: 0660}\n"
        "log: {level: debug, format: json}\n");
    CHECK(file.text == "");
    REQUIRE(file.rc == 0);
    const struct config *config = file.config;
    CHECK(std::string(config->run_directory) == "/srv/weft");
    CHECK(config->loops.count == 3);
    CHECK(config->loops.pin);
    CHECK(config->loops.debug == CONFIG_DEBUG_OFF);
    CHECK(config->n_executors == 2);
    const config_executor *disk = config_find_executor(config, "disk");
    REQUIRE(disk != nullptr);
    CHECK(disk->threads.min == 2);
    CHECK(disk->threads.max == 8);
    CHECK(disk->queue == 0);
    CHECK(disk->when_full == CONFIG_WHEN_FULL_REJECT);
    CHECK(config_find_executor(config, "default") != nullptr);
    CHECK(config_find_executor(config, "other") == nullptr);
    const config_listener *a = config_find_listener(config, "a");
    REQUIRE(a != nullptr);
    CHECK(a->address.family == CONFIG_FAMILY_IPV6);
    CHECK(a->backlog == 7);
    CHECK(a->max_connections == 9);
    CHECK(a->spread == CONFIG_SPREAD_SHARED);
    const config_listener *b = config_find_listener(config, "b");
    REQUIRE(b != nullptr);
    CHECK(std::string(b->address.path) == "/srv/weft/b.sock");
    CHECK(b->mode == 0600);
    const config_service *one = config_find_service(config, "one");
    REQUIRE(one != nullptr);
    CHECK(one->listeners.count == 2);
    CHECK(std::string(one->listeners.items[1]) == "b");
    CHECK(one->restart.policy == CONFIG_POLICY_TRANSIENT);
    CHECK(one->restart.tolerance.count == 2);
    CHECK(one->ready_within == INT64_C(3000000000));
    CHECK(config_find_setting(one, "max_headers")->as.number == 5);
    CHECK(config_find_setting(one, "head_limit")->as.number == INT64_C(2000000000));
    CHECK(config_find_setting(one, "idle_limit")->as.number == INT64_C(60000000000));
    CHECK(config_find_setting(one, "nothing") == nullptr);
    CHECK(std::string(config->control.socket) == "/run/c.sock");
    CHECK(config->log.format == CONFIG_LOG_FORMAT_JSON);
}

TEST_CASE("schema: run_directory follows the surroundings", "[config][schema]")
{
    auto directory = [](environment variables) {
        config_options options = {};
        char out[256];
        options.environment = look_up;
        options.environment_data = &variables;
        config_run_directory(&options, out, sizeof out);
        return std::string(out);
    };
    CHECK(directory({ { "RUNTIME_DIRECTORY", "/run/weft:/run/other" } }) == "/run/weft");
    CHECK(directory({ { "RUNTIME_DIRECTORY", "/run/w" }, { "XDG_RUNTIME_DIR", "/x" } }) ==
          "/run/w");
    std::string uid = std::to_string(geteuid());
    bool is_root = geteuid() == 0;
    CHECK(directory({ { "XDG_RUNTIME_DIR", "/run/user/7" } }) ==
          (is_root ? "/run/weft" : "/run/user/7/weft"));
    CHECK(directory({ { "RUNTIME_DIRECTORY", "relative" }, { "XDG_RUNTIME_DIR", "" } }) ==
          (is_root ? "/run/weft" : "/tmp/weft-" + uid));
}
