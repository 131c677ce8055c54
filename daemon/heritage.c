/*
 * heritage.c: the heritage as JSON in a memfd, and back.
 *
 * The reader checks everything, although the writer is trusted: a descriptor
 * that is not open, or named twice, would else show much later and elsewhere.
 * Descriptors below 3 are never part of a heritage.
 *
 * Thread: any; the worker reads before it has more than one.
 */
#include "heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TEXT_LIMIT = 1024 * 1024,
    FIRST_FD = 3
};

static const char *const family_names[] = {
    [CONFIG_FAMILY_IPV4] = "ipv4",
    [CONFIG_FAMILY_IPV6] = "ipv6",
    [CONFIG_FAMILY_UNIX] = "unix",
};

/* ------------------------------------------------------------------------------- writing */

static json_t *pack_listener(const struct heritage_listener *listener)
{
    json_t *fds = json_array();

    for (size_t i = 0; i < listener->n_fds; i++) {
        if (json_array_append_new(fds, json_integer(listener->fds[i])) != 0) {
            json_decref(fds);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:o}", "name", listener->name, "family",
                     family_names[listener->family], "fds", fds);
}

static json_t *pack_listeners(const struct heritage *heritage)
{
    json_t *array = json_array();

    for (size_t i = 0; i < heritage->n_listeners; i++) {
        if (json_array_append_new(array, pack_listener(&heritage->listeners[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static int write_all(int fd, const char *text, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, text + done, length - done);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int heritage_write(const struct heritage *heritage, int *out_fd)
{
    json_t *root =
        json_pack("{s:i, s:I, s:i, s:i, s:i, s:i, s:i, s:o}", "version", HERITAGE_VERSION,
                  "generation", (json_int_t)heritage->generation, "channel", heritage->channel,
                  "config", heritage->config, "pid", (int)heritage->supervisor, "board",
                  heritage->board, "slot", heritage->slot, "listeners", pack_listeners(heritage));
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    int fd;
    int rc;

    json_decref(root);
    if (text == NULL) {
        return -ENOMEM;
    }
    fd = memfd_create("weft-heritage", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    rc = fd < 0 ? -errno : write_all(fd, text, strlen(text));
    free(text);
    if (rc == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    *out_fd = fd;
    return 0;
}

/* ------------------------------------------------------------------------------- reading */

/* One reading: where the sentence goes, and which descriptors were seen. */
struct reading {
    char *why;
    size_t why_size;
    int seen[HERITAGE_MAX_FDS];
    size_t n_seen;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reading *reading, const char *format,
                                                        ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reading->why, reading->why_size, format, arguments);
    va_end(arguments);
    return -EPROTO;
}

/* From the start and to the end, wherever the shared offset stands. */
static int read_text(int fd, struct reading *reading, char **out_text, size_t *out_length)
{
    char *text = malloc(TEXT_LIMIT);
    size_t length = 0;

    if (text == NULL) {
        return -ENOMEM;
    }
    while (length < TEXT_LIMIT) {
        ssize_t n = pread(fd, text + length, TEXT_LIMIT - length, (off_t)length);

        if (n == 0) {
            *out_text = text;
            *out_length = length;
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            int rc = -errno;

            free(text);
            return rc;
        }
        length += n > 0 ? (size_t)n : 0;
    }
    free(text);
    return refuse(reading, "the text is longer than %d bytes", TEXT_LIMIT);
}

static int read_integer(struct reading *reading, const json_t *object, const char *key,
                        json_int_t *out)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 1) {
        return refuse(reading, "'%s' is missing or no positive integer", key);
    }
    *out = json_integer_value(value);
    return 0;
}

static int adopt_fd(struct reading *reading, json_int_t number, int *out)
{
    int fd = (int)number;

    if (number < FIRST_FD || number > 0x7fffffff) {
        return refuse(reading, "%lld cannot be an inherited descriptor", (long long)number);
    }
    if (reading->n_seen == HERITAGE_MAX_FDS) {
        return refuse(reading, "more than %d descriptors", HERITAGE_MAX_FDS);
    }
    for (size_t i = 0; i < reading->n_seen; i++) {
        if (reading->seen[i] == fd) {
            return refuse(reading, "descriptor %d is named twice", fd);
        }
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return refuse(reading, "descriptor %d is not open", fd);
    }
    reading->seen[reading->n_seen++] = fd;
    *out = fd;
    return 0;
}

static int read_fd(struct reading *reading, const json_t *object, const char *key, int *out)
{
    json_int_t number = 0;
    int rc = read_integer(reading, object, key, &number);

    return rc != 0 ? rc : adopt_fd(reading, number, out);
}

/* Where figures go: both are optional, and below 3 or negative for none. */
static int read_board(struct reading *reading, const json_t *root, struct heritage *heritage)
{
    const json_t *board = json_object_get(root, "board");
    const json_t *slot = json_object_get(root, "slot");

    heritage->board = -1;
    heritage->slot = json_is_integer(slot) ? (int)json_integer_value(slot) : -1;
    if (!json_is_integer(board) || json_integer_value(board) < FIRST_FD) {
        return 0;
    }
    return adopt_fd(reading, json_integer_value(board), &heritage->board);
}

static int read_family(struct reading *reading, const json_t *object,
                       enum config_family *out_family)
{
    const char *text = json_string_value(json_object_get(object, "family"));

    for (enum config_family i = CONFIG_FAMILY_IPV4; text != NULL && i <= CONFIG_FAMILY_UNIX; i++) {
        if (strcmp(text, family_names[i]) == 0) {
            *out_family = i;
            return 0;
        }
    }
    return refuse(reading, "a listener has no known 'family'");
}

static int read_listener(struct reading *reading, const json_t *object,
                         const struct heritage *before, struct heritage_listener *listener)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *fds = json_object_get(object, "fds");
    size_t n_fds = json_array_size(fds);
    int rc;

    if (name == NULL || *name == '\0') {
        return refuse(reading, "a listener has no 'name'");
    }
    if (heritage_find_listener(before, name) != NULL) {
        return refuse(reading, "listener '%.64s' is named twice", name);
    }
    if (n_fds == 0 || n_fds > HERITAGE_MAX_FDS) {
        return refuse(reading, "listener '%.64s' has %zu descriptors", name, n_fds);
    }
    rc = read_family(reading, object, &listener->family);
    if (rc != 0) {
        return rc;
    }
    listener->name = strdup(name);
    listener->fds = calloc(n_fds, sizeof *listener->fds);
    if (listener->name == NULL || listener->fds == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_fds && rc == 0; i++) {
        const json_t *fd = json_array_get(fds, i);

        rc = json_is_integer(fd) ? adopt_fd(reading, json_integer_value(fd), &listener->fds[i])
                                 : refuse(reading, "a descriptor is no integer");
    }
    listener->n_fds = n_fds;
    return rc;
}

static int read_listeners(struct reading *reading, const json_t *root, struct heritage *heritage)
{
    const json_t *array = json_object_get(root, "listeners");
    size_t n = json_array_size(array);

    if (!json_is_array(array) || n > HERITAGE_MAX_FDS) {
        return refuse(reading, "'listeners' is missing or too long");
    }
    heritage->listeners = calloc(n + 1, sizeof *heritage->listeners);
    if (heritage->listeners == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        struct heritage_listener listener = { 0 };
        int rc = read_listener(reading, json_array_get(array, i), heritage, &listener);

        /* Also a broken one is handed over, so that one function frees what there is. */
        heritage->listeners[heritage->n_listeners++] = listener;
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int read_root(struct reading *reading, const json_t *root, struct heritage *heritage)
{
    json_int_t version = 0;
    json_int_t generation = 0;
    json_int_t pid = 0;
    int rc = read_integer(reading, root, "version", &version);

    if (rc == 0 && version != HERITAGE_VERSION) {
        rc = refuse(reading, "version %lld, not %d", (long long)version, HERITAGE_VERSION);
    }
    if (rc == 0) {
        rc = read_integer(reading, root, "generation", &generation);
    }
    if (rc == 0) {
        rc = read_integer(reading, root, "pid", &pid);
    }
    if (rc == 0 && pid > 0x7fffffff) {
        rc = refuse(reading, "%lld is no process", (long long)pid);
    }
    if (rc == 0) {
        rc = read_fd(reading, root, "channel", &heritage->channel);
    }
    if (rc == 0) {
        rc = read_fd(reading, root, "config", &heritage->config);
    }
    if (rc == 0) {
        rc = read_board(reading, root, heritage);
    }
    if (rc == 0) {
        rc = read_listeners(reading, root, heritage);
    }
    heritage->generation = (uint64_t)generation;
    heritage->supervisor = (pid_t)pid;
    return rc;
}

int heritage_read(int fd, struct heritage **out_heritage, char *why, size_t why_size)
{
    struct reading reading = { 0 };
    struct heritage *heritage = calloc(1, sizeof *heritage);
    json_error_t error;
    json_t *root;
    char *text = NULL;
    size_t length = 0;
    int rc;

    reading.why = why;
    reading.why_size = why_size;
    rc = heritage == NULL ? -ENOMEM : read_text(fd, &reading, &text, &length);

    if (rc != 0) {
        free(heritage);
        return rc;
    }
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    free(text);
    rc = root != NULL ? read_root(&reading, root, heritage)
                      : refuse(&reading, "no JSON: %s", error.text);
    json_decref(root);
    if (rc != 0) {
        heritage_destroy(heritage);
        return rc;
    }
    *out_heritage = heritage;
    return 0;
}

void heritage_destroy(struct heritage *heritage)
{
    if (heritage == NULL) {
        return;
    }
    for (size_t i = 0; i < heritage->n_listeners; i++) {
        free((char *)heritage->listeners[i].name);
        free(heritage->listeners[i].fds);
    }
    free(heritage->listeners);
    free(heritage);
}

const struct heritage_listener *heritage_find_listener(const struct heritage *heritage,
                                                       const char *name)
{
    for (size_t i = 0; i < heritage->n_listeners; i++) {
        const char *other = heritage->listeners[i].name;

        if (other != NULL && strcmp(other, name) == 0) { /* NULL: one that is half read */
            return &heritage->listeners[i];
        }
    }
    return NULL;
}
