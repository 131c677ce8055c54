/*
 * `${NAME}` in values, and the rule for `run_directory: auto`.
 *
 * A variable's value is taken as it is: it is put in after the YAML was parsed, so it cannot
 * bring keys or quotes of its own, and `${` inside of it is not looked at again.
 */
#include "config/environment.h"

#include "config/source.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAME_SIZE = 65
};

const char *config_environment_get(const struct config_options *options, const char *name)
{
    if (options != NULL && options->environment != NULL) {
        return options->environment(name, options->environment_data);
    }
    return getenv(name);
}

/* One `${...}`: where it ends, its name and its default. */
struct reference {
    char name[NAME_SIZE];
    const char *fallback; /* NULL: there is none */
    size_t fallback_length;
    size_t size; /* of all of it, with ${ and } */
};

static bool is_name_character(char c, bool is_first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!is_first && c >= '0' && c <= '9');
}

/* <text> begins with `${` and ends at <end>. */
static int parse_reference(const char *text, const char *end, struct reference *out_reference,
                           char *why)
{
    const char *close = memchr(text, '}', (size_t)(end - text));
    const char *at = text + 2;

    if (close == NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "'${' without '}'; write $${ for the two characters themselves");
        return -EINVAL;
    }
    while (at < close && is_name_character(*at, at == text + 2)) {
        at++;
    }
    size_t length = (size_t)(at - text) - 2;
    bool has_fallback = close - at >= 2 && at[0] == ':' && at[1] == '-';
    if (length == 0 || length >= NAME_SIZE || (at != close && !has_fallback)) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "'%.*s' is no variable (write it like ${NAME} or ${NAME:-default})",
                       close - text < 60 ? (int)(close - text) + 1 : 60, text);
        return -EINVAL;
    }
    memcpy(out_reference->name, text + 2, length);
    out_reference->name[length] = '\0';
    out_reference->fallback = has_fallback ? at + 2 : NULL;
    out_reference->fallback_length = has_fallback ? (size_t)(close - at) - 2 : 0;
    out_reference->size = (size_t)(close - text) + 1;
    return 0;
}

static bool is_clean(const char *text, size_t length)
{
    uint32_t character;

    for (size_t at = 0; at < length;) {
        size_t size = config_utf8_decode(text + at, length - at, &character);
        if (size == 0 || character < 0x20 || character == 0x7f) {
            return false;
        }
        at += size;
    }
    return true;
}

static int look_up(const struct config_options *options, const struct reference *reference,
                   const char **out_value, size_t *out_length, char *why)
{
    const char *value = config_environment_get(options, reference->name);

    /* As in a shell: with `:-` an empty variable counts as one that is not set. */
    if (reference->fallback != NULL && (value == NULL || value[0] == '\0')) {
        *out_value = reference->fallback;
        *out_length = reference->fallback_length;
        return 0;
    }
    if (value == NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "the environment variable '%s' is not set; ${%s:-default} has a default",
                       reference->name, reference->name);
        return -EINVAL;
    }
    if (!is_clean(value, strlen(value))) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "the environment variable '%s' holds bytes that are no text",
                       reference->name);
        return -EINVAL;
    }
    *out_value = value;
    *out_length = strlen(value);
    return 0;
}

/* A text that grows at its end; the arena keeps what was outgrown until all is freed. */
struct growing {
    struct config_arena *arena;
    char *text;
    size_t length;
    size_t room;
};

static int add(struct growing *out, const char *text, size_t length)
{
    if (length > CONFIG_SOURCE_LIMIT || out->length + length > CONFIG_SOURCE_LIMIT) {
        out->arena->failed = true;
        return -ENOMEM;
    }
    if (out->length + length + 1 > out->room) {
        size_t room = 2 * (out->length + length + 1);
        char *bigger = config_arena_alloc(out->arena, room);
        if (bigger == NULL) {
            return -ENOMEM;
        }
        if (out->length > 0) {
            memcpy(bigger, out->text, out->length);
        }
        out->text = bigger;
        out->room = room;
    }
    if (length > 0) {
        memcpy(out->text + out->length, text, length);
    }
    out->length += length;
    out->text[out->length] = '\0';
    return 0;
}

int config_environment_expand(const struct config_options *options, const char *text, size_t length,
                              struct config_arena *arena, const char **out_text, size_t *out_length,
                              char *why)
{
    struct growing out = { .arena = arena };
    const char *end = text + length;
    const char *at = text;
    int rc = 0;

    if (memmem(text, length, "${", 2) == NULL) {
        *out_text = text;
        *out_length = length;
        return 0;
    }
    why[0] = '\0';
    while (at < end && rc == 0) {
        const char *dollar = memmem(at, (size_t)(end - at), "${", 2);
        if (dollar == NULL) {
            rc = add(&out, at, (size_t)(end - at));
            break;
        }
        if (dollar > at && dollar[-1] == '$') {
            rc = add(&out, at, (size_t)(dollar - at) - 1);
            rc = rc == 0 ? add(&out, dollar, 2) : rc;
            at = dollar + 2;
            continue;
        }
        struct reference reference;
        const char *value = NULL;
        size_t value_length = 0;
        rc = add(&out, at, (size_t)(dollar - at));
        rc = rc == 0 ? parse_reference(dollar, end, &reference, why) : rc;
        rc = rc == 0 ? look_up(options, &reference, &value, &value_length, why) : rc;
        rc = rc == 0 ? add(&out, value, value_length) : rc;
        at = rc == 0 ? dollar + reference.size : end;
    }
    if (rc == 0) {
        *out_text = out.text;
        *out_length = out.length;
    }
    return rc;
}

/* -------------------------------------------------------------------------- run_directory */

static bool is_absolute(const char *path)
{
    return path != NULL && path[0] == '/';
}

void config_run_directory(const struct config_options *options, char *out, size_t size)
{
    const char *given = config_environment_get(options, "RUNTIME_DIRECTORY");
    const char *user = config_environment_get(options, "XDG_RUNTIME_DIR");

    if (is_absolute(given)) {
        /* systemd separates several directories by colons; the first is ours. */
        (void)snprintf(out, size, "%.*s", (int)strcspn(given, ":"), given);
    } else if (geteuid() == 0) {
        (void)snprintf(out, size, "/run/weft");
    } else if (is_absolute(user)) {
        (void)snprintf(out, size, "%s/weft", user);
    } else {
        (void)snprintf(out, size, "/tmp/weft-%u", (unsigned)geteuid());
    }
}
