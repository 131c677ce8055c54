/*
 * Finding, reading and merging included files.
 *
 * The way to a file is walked name by name from an open directory, each step without following a
 * link: what is opened lies below the main file's directory, whatever others rename meanwhile. A
 * pattern's matches are sorted, so that the order of complaints does not depend on the disk.
 *
 * All files together have one budget of nodes, which also bounds the merging. A file that cannot be
 * read ends the load after all have been tried: what it lacks would be complained of in the others.
 */
#include "config/include.h"

#include "config/complain.h"
#include "config/environment.h"
#include "config/value.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct includer {
    struct config_loading *loading;
    const char *directory; /* of the main file, as messages print it */
    int directory_fd;
    unsigned n_files;
    int result;
};

/* One pattern: `conf.d/` and `*.yaml`. */
struct pattern {
    struct config_node *node; /* where it is written */
    const char *text;
    char way[PATH_MAX]; /* "" or with a slash at its end */
    const char *last;
};

static void fail(struct includer *includer, const struct pattern *pattern, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct includer *includer, const struct pattern *pattern, const char *format, ...)
{
    char text[2 * CONFIG_WHY_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pattern->node->is_bad = true;
    (void)config_complain(includer->loading->errors, CONFIG_ERROR, &pattern->node->place,
                          "include: %s", text);
    includer->result = -EINVAL;
}

static void run_out_of_memory(struct includer *includer)
{
    includer->loading->arena->failed = true;
    includer->result = -ENOMEM;
}

/* -------------------------------------------------------------------------------- merging */

static void append_key(struct config_node *mapping, struct config_node *key)
{
    key->next = NULL;
    key->parent = mapping;
    if (mapping->last == NULL) {
        mapping->first = key;
    } else {
        mapping->last->next = key;
    }
    mapping->last = key;
    mapping->count++;
}

/* Move all keys of <from> into <into>; what is there already stays. As deep as a tree may be. */
static void merge(struct includer *includer, struct config_node *into, struct config_node *from)
{
    struct config_node *next;

    for (struct config_node *key = from->first; key != NULL; key = next) {
        next = key->next;
        struct config_node *same =
            key->is_bad ? NULL : config_tree_key(into, key->text, key->length);
        if (same == NULL) {
            append_key(into, key);
        } else if (config_node_is_empty(same->value)) {
            same->value = key->value;
        } else if (same->value->kind == CONFIG_NODE_MAPPING &&
                   key->value->kind == CONFIG_NODE_MAPPING) {
            merge(includer, same->value, key->value);
        } else if (!config_node_is_empty(key->value)) {
            struct config_errors *errors = includer->loading->errors;
            struct config_diagnostic *on =
                config_complain(errors, CONFIG_ERROR, &key->place,
                                "the key '%.64s' is given in two files", key->text);
            config_complain_note(errors, on, &same->place, "it was first given here");
        }
    }
}

static void merge_file(struct includer *includer, struct config_node *root)
{
    struct config_errors *errors = includer->loading->errors;

    if (root == NULL || config_node_is_empty(root)) {
        return;
    }
    if (root->kind != CONFIG_NODE_MAPPING) {
        (void)config_complain(errors, CONFIG_ERROR, &root->place, "keys are expected, this is %s",
                              config_node_kind_name(root));
        includer->result = -EINVAL;
        return;
    }
    struct config_node *include = config_tree_key(root, "include", strlen("include"));
    if (include != NULL) {
        (void)config_complain(errors, CONFIG_ERROR, &include->place,
                              "only the main file may include others");
        includer->result = -EINVAL;
        return;
    }
    merge(includer, includer->loading->root, root);
}

/* ---------------------------------------------------------------------------- one file */

static const char *name_of_file(struct includer *includer, const struct pattern *pattern,
                                const char *name)
{
    bool is_here = strcmp(includer->directory, ".") == 0;
    bool has_slash = strcmp(includer->directory, "/") == 0;

    return config_arena_printf(includer->loading->arena, "%s%s%s%s",
                               is_here ? "" : includer->directory, is_here || has_slash ? "" : "/",
                               pattern->way, name);
}

static void parse_file(struct includer *includer, struct config_source *source)
{
    struct config_loading *loading = includer->loading;
    struct config_node *root = NULL;

    int rc = config_source_check(source, loading->errors);
    if (rc == 0) {
        rc = config_tree_parse(source, &loading->budget, loading->arena, loading->errors, &root);
    }
    if (rc != 0) {
        includer->result = rc;
        return;
    }
    merge_file(includer, root);
}

static void include_file(struct includer *includer, const struct pattern *pattern, int way_fd,
                         const char *name)
{
    char why[CONFIG_WHY_SIZE] = "";
    struct stat status;
    struct config_arena *arena = includer->loading->arena;

    if (++includer->n_files > CONFIG_INCLUDE_FILES) {
        fail(includer, pattern, "more than %d files", CONFIG_INCLUDE_FILES);
        return;
    }
    struct config_source *source = config_arena_alloc(arena, sizeof *source);
    if (source == NULL || (source->name = name_of_file(includer, pattern, name)) == NULL) {
        run_out_of_memory(includer);
        return;
    }
    source->order = includer->n_files;
    int fd = config_source_open(way_fd, name, &status, why);
    int rc = fd < 0 ? fd : config_source_read(fd, arena, source, why);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (arena->failed) {
        run_out_of_memory(includer);
    } else if (rc != 0) {
        fail(includer, pattern, "'%.128s%.128s': %s", pattern->way, name, why);
    } else {
        parse_file(includer, source);
    }
}

/* ------------------------------------------------------------------------------ directories */

/* Whoever may write a directory may choose which of our files are in it. */
static bool is_open_to_all(int fd)
{
    struct stat status;

    return fstat(fd, &status) != 0 ||
           ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0);
}

/* The directory that <way> leads to below the main file's, or a negative code. */
static int open_way(struct includer *includer, const char *way)
{
    char name[NAME_MAX + 1];
    int fd = fcntl(includer->directory_fd, F_DUPFD_CLOEXEC, 0);

    while (fd >= 0 && *way != '\0') {
        size_t length = strcspn(way, "/");
        if (length > NAME_MAX) {
            (void)close(fd);
            return -ENAMETOOLONG;
        }
        memcpy(name, way, length);
        name[length] = '\0';
        int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        (void)close(fd);
        errno = error;
        fd = next;
        way += length;
        way += strspn(way, "/");
    }
    return fd < 0 ? -errno : fd;
}

struct names {
    char **items; /* owned, each owned */
    size_t count;
    size_t room;
};

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

static bool names_add(struct names *names, const char *name)
{
    if (names->count == names->room) {
        size_t room = names->room == 0 ? 16 : names->room * 2;
        char **items = realloc(names->items, room * sizeof *items);
        if (items == NULL) {
            return false;
        }
        names->items = items;
        names->room = room;
    }
    names->items[names->count] = strdup(name);
    if (names->items[names->count] == NULL) {
        return false;
    }
    names->count++;
    return true;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* One more than the limit is enough to be told of. */
static int list_matches(int way_fd, const char *pattern, struct names *names)
{
    int fd = openat(way_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    if (directory == NULL) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return -error;
    }
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && names->count <= CONFIG_INCLUDE_FILES &&
           (entry = readdir(directory)) != NULL) {
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0 && !names_add(names, entry->d_name)) {
            rc = -ENOMEM;
        }
    }
    (void)closedir(directory);
    if (rc == 0 && names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    }
    return rc;
}

static void include_matches(struct includer *includer, const struct pattern *pattern, int way_fd)
{
    struct names names = { 0 };

    int rc = list_matches(way_fd, pattern->last, &names);
    if (rc == -ENOMEM) {
        run_out_of_memory(includer);
    } else if (rc != 0) {
        fail(includer, pattern, "'%.128s' cannot be listed: %s", pattern->way, strerror(-rc));
    }
    for (size_t i = 0; rc == 0 && i < names.count && !includer->loading->arena->failed &&
                       includer->n_files <= CONFIG_INCLUDE_FILES;
         i++) {
        include_file(includer, pattern, way_fd, names.items[i]);
    }
    names_fini(&names);
}

/* --------------------------------------------------------------------------------- patterns */

static bool is_wild(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

static bool has_dots(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "/");
        if (length == 2 && text[0] == '.' && text[1] == '.') {
            return true;
        }
        text += length;
        text += strspn(text, "/");
    }
    return false;
}

/* Split the pattern; false when it was complained of. */
static bool parse_pattern(struct includer *includer, struct pattern *pattern)
{
    const char *slash = strrchr(pattern->text, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - pattern->text) + 1;

    pattern->last = pattern->text + length;
    if (pattern->text[0] == '/' || has_dots(pattern->text) || length >= sizeof pattern->way) {
        fail(includer, pattern,
             "'%.128s' may lead out of the main file's directory; write a path below it",
             pattern->text);
        return false;
    }
    memcpy(pattern->way, pattern->text, length);
    pattern->way[length] = '\0';
    if (pattern->last[0] == '\0') {
        fail(includer, pattern, "'%.128s' names no file", pattern->text);
        return false;
    }
    if (is_wild(pattern->way)) {
        fail(includer, pattern, "'%.128s': only the last part may hold * ? [", pattern->text);
        return false;
    }
    return true;
}

static void include_pattern(struct includer *includer, struct config_node *node)
{
    char why[CONFIG_WHY_SIZE];
    struct pattern pattern = { .node = node, .text = node->text };
    struct config_loading *loading = includer->loading;
    size_t length = node->length;

    /* The binder, which looks at the list once more, complains of what is no text. */
    if (node->is_bad || node->kind != CONFIG_NODE_SCALAR ||
        (!node->is_literal &&
         config_environment_expand(loading->options, node->text, node->length, loading->arena,
                                   &pattern.text, &length, why) != 0)) {
        return;
    }
    if (!parse_pattern(includer, &pattern)) {
        return;
    }
    int fd = open_way(includer, pattern.way);
    if (fd == -ENOENT && is_wild(pattern.last)) {
        return;
    }
    if (fd < 0) {
        fail(includer, &pattern, "'%.128s' cannot be opened: %s", pattern.way,
             fd == -ELOOP || fd == -ENOTDIR ? "a part of it is no directory" : strerror(-fd));
        return;
    }
    if (is_open_to_all(fd)) {
        fail(includer, &pattern, "everybody may write the directory '%.128s'",
             pattern.way[0] == '\0' ? "." : pattern.way);
    } else if (is_wild(pattern.last)) {
        include_matches(includer, &pattern, fd);
    } else {
        include_file(includer, &pattern, fd, pattern.last);
    }
    (void)close(fd);
}

static int open_directory(struct includer *includer)
{
    const char *name = includer->loading->source->name;
    char *copy = config_arena_copy(includer->loading->arena, name, strlen(name));

    if (copy == NULL) {
        return -ENOMEM;
    }
    includer->directory = dirname(copy);
    includer->directory_fd = open(includer->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return includer->directory_fd < 0 ? -errno : 0;
}

int config_include(struct config_loading *loading)
{
    struct includer includer = { .loading = loading };
    struct config_node *key = config_tree_key(loading->root, "include", strlen("include"));

    if (key == NULL || key->value->kind != CONFIG_NODE_SEQUENCE || key->value->first == NULL) {
        return 0;
    }
    int rc = open_directory(&includer);
    if (rc != 0) {
        (void)config_complain(loading->errors, CONFIG_ERROR, &key->place,
                              "include: the directory of the file cannot be opened: %s",
                              strerror(-rc));
        return rc == -ENOMEM ? rc : -EINVAL;
    }
    for (struct config_node *node = key->value->first; node != NULL && !loading->arena->failed;
         node = node->next) {
        include_pattern(&includer, node);
    }
    (void)close(includer.directory_fd);
    return includer.result;
}
