#ifndef WEFT_TESTS_INTEGRATION_INSPECT_HPP
#define WEFT_TESTS_INTEGRATION_INSPECT_HPP

/*
 * Dumps as strings and as JSON, for the tests of inspection.
 */

#include <catch2/catch.hpp>

#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>

#include "weft/inspect.h"

namespace inspect
{

/* What <write> wrote to its descriptor; <code>: what it returned. */
inline std::string written(const std::function<int(int)> &write, int &code)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);
    std::string text;
    char piece[4096];
    ssize_t n;

    code = write(fd);
    (void)lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, piece, sizeof piece)) > 0) {
        text.append(piece, static_cast<size_t>(n));
    }
    close(fd);
    return text;
}

inline std::string dump(unsigned flags)
{
    int code = 0;
    std::string text = written([flags](int fd) { return weft_dump(fd, flags); }, code);

    return code == 0 ? text : "dump failed: " + std::to_string(code);
}

struct json_deleter {
    void operator()(json_t *json) const
    {
        json_decref(json);
    }
};
using json = std::unique_ptr<json_t, json_deleter>;

inline json parse(const std::string &text)
{
    json_error_t error;
    json parsed(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, &error));

    if (parsed == nullptr) {
        FAIL("no JSON: " << error.text << " at line " << error.line << ", column " << error.column
                         << "\n"
                         << text);
    }
    return parsed;
}

/* The first object of an array whose member <name> is <value>; NULL: none. */
inline json_t *find(json_t *array, const char *name, const std::string &value)
{
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item)
    {
        const char *text = json_string_value(json_object_get(item, name));
        if (text != nullptr && value == text) {
            return item;
        }
    }
    return nullptr;
}

inline std::string text_of(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != nullptr ? text : "";
}

} // namespace inspect

#endif
