/* What the tests of the configuration share: a load of a text, and what it printed. */
#ifndef WEFT_TESTS_CONFIG_SUPPORT_HPP
#define WEFT_TESTS_CONFIG_SUPPORT_HPP

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cerrno>
#include <map>
#include <string>

#include <unistd.h>

#include <catch2/catch.hpp>

extern "C" {
#include "config/config.h"
}

using environment = std::map<std::string, std::string>;

inline const char *look_up(const char *name, void *data)
{
    auto &variables = *static_cast<environment *>(data);
    auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
}

template <typename Print> std::string printed(Print print)
{
    char *text = nullptr;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    print(stream);
    fclose(stream);
    std::string result(text, length);
    free(text);
    return result;
}

/* A load, with everything that belongs to it. */
class loaded
{
  public:
    int rc = 1;
    struct config *config = nullptr;
    struct config_errors errors;
    std::string text; /* what config_errors_print() prints */

    loaded()
    {
        config_errors_init(&errors);
    }
    ~loaded()
    {
        config_destroy(config);
        config_errors_fini(&errors);
    }
    loaded(const loaded &) = delete;
    loaded &operator=(const loaded &) = delete;

    void with(const config_options &options, const char *name)
    {
        rc = config_load_with(&options, name, &config, &errors);
        print();
    }
    void file(const std::string &path)
    {
        rc = config_load(path.c_str(), &config, &errors);
        print();
    }
    void json(const std::string &json)
    {
        rc = config_from_json(json.data(), json.size(), &config, &errors);
        print();
    }
    void print()
    {
        text = printed([&](FILE *stream) { config_errors_print(stream, &errors); });
    }
};

/* The text as the file `f`, in an environment of its own. */
struct load_text : loaded {
    explicit load_text(const std::string &yaml,
                       environment variables = { { "RUNTIME_DIRECTORY", "/run/t" } },
                       config_module_fn *module = nullptr)
    {
        config_options options = {};
        options.text = yaml.data();
        options.text_length = yaml.size();
        options.environment = look_up;
        options.environment_data = &variables;
        options.module = module;
        with(options, "f");
    }
};

inline std::string to_json(const struct config *config)
{
    char *text = nullptr;
    size_t length = 0;
    int rc = config_to_json(config, &text, &length);
    std::string result = rc == 0 ? std::string(text, length) : "";
    free(text);
    return result;
}

/* One service, so that nothing is warned of; more keys may follow. */
inline std::string served(const std::string &more = "")
{
    return "listeners: {web: {address: '127.0.0.1:80'}}\n"
           "services: {web: {module: http, listeners: [web]}}\n" +
           more;
}

/* A directory that goes away with all that is in it. */
class scratch
{
  public:
    std::string path;

    scratch()
    {
        char name[] = "/tmp/weft-config-XXXXXX";
        path = mkdtemp(name);
    }
    ~scratch()
    {
        std::string command = "rm -rf '" + path + "'";
        if (system(command.c_str()) != 0) {
            perror("rm");
        }
    }
    scratch(const scratch &) = delete;
    scratch &operator=(const scratch &) = delete;

    std::string write(const std::string &name, const std::string &content) const
    {
        std::string file = path + "/" + name;
        FILE *stream = fopen(file.c_str(), "w");
        fwrite(content.data(), 1, content.size(), stream);
        fclose(stream);
        return file;
    }
};

#endif
