/*
 * The files below one directory.
 *
 *     path --decoded, checked--> job: open2, fstat --> condition, range --> head, file
 *
 * That nothing outside is reached is the kernel's work (RESOLVE_BENEATH): no text
 * is searched for dots, so no spelling of them is forgotten. The look-up is a job
 * of an executor; what it opened belongs to its result, so that a request that is
 * cancelled meanwhile loses no descriptor.
 *
 * Thread: the connection's task; look_up on a thread of the executor.
 */

#include "weft/http_files.h"

#include "chars.h"
#include "condition.h"

#include "weft/alloc.h"
#include "weft/bridge.h"
#include "weft/error.h"
#include "weft/task.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAGIC = 0x77686669,
    MAX_PATH = 4096,
    TAG_SIZE = 64
};

struct weft_http_files {
    uint32_t magic;
    char *root;              /* owned */
    char *index;             /* owned; "": none */
    weft_executor *executor; /* ref, or NULL */
    weft_duration max_age;
};

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = weft_malloc(size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

/* ---- the job ------------------------------------------------------------------------ */

/* A look-up, and what it found. Owns everything. */
struct lookup {
    char *root;
    char *index;
    int fd; /* of a regular file; or a code */
    bool is_folder;
    struct stat stat;
    char path[]; /* decoded, relative to the root */
};

static void free_lookup(void *data)
{
    struct lookup *lookup = data;

    if (lookup->fd >= 0) {
        (void)close(lookup->fd); /* it was only read */
    }
    weft_free(lookup->root);
    weft_free(lookup->index);
    weft_free(lookup);
}

static int open_beneath(int folder, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);

    return fd < 0 ? -errno : (int)fd;
}

/* The file at <path> below <folder>; *out_stat says what it is. */
static int open_file(int folder, const char *path, struct stat *out_stat)
{
    /* Not to wait for whoever writes into a pipe, nor to make a terminal ours. */
    int fd = open_beneath(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0 && fstat(fd, out_stat) < 0) {
        int code = -errno;
        (void)close(fd); /* it was only read */
        return code;
    }
    return fd;
}

static bool ends_with_slash(const char *path)
{
    size_t len = strlen(path);

    return len == 0 || path[len - 1] == '/';
}

static int open_index(const struct lookup *lookup, int folder, struct stat *out_stat)
{
    if (lookup->index[0] == '\0') {
        return -ENOENT;
    }
    return open_file(folder, lookup->index, out_stat);
}

static int find(struct lookup *lookup, int root)
{
    int fd = open_file(root, lookup->path[0] == '\0' ? "." : lookup->path, &lookup->stat);

    if (fd >= 0 && S_ISDIR(lookup->stat.st_mode)) {
        int folder = fd;
        lookup->is_folder = !ends_with_slash(lookup->path);
        fd = lookup->is_folder ? -EISDIR : open_index(lookup, folder, &lookup->stat);
        (void)close(folder); /* it was only read */
    }
    if (fd >= 0 && !S_ISREG(lookup->stat.st_mode)) {
        (void)close(fd); /* as above */
        return -ENOENT;
    }
    return fd;
}

/* A job; returns the look-up itself. */
static int look_up(void *arg)
{
    struct lookup *lookup = arg;
    int root = open(lookup->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0) {
        lookup->fd = -errno;
    } else {
        lookup->fd = find(lookup, root);
        (void)close(root); /* nothing was written */
    }
    return weft_return_ptr(lookup, free_lookup);
}

/* ---- the path ------------------------------------------------------------------------- */

/* <path> without its first slash, decoded to <out>. -ENOENT: nothing is called so. */
static int decode(const char *path, char out[MAX_PATH])
{
    size_t n = 0;

    path += strspn(path, "/"); /* openat2 would take two of them for an absolute path */
    for (; *path != '\0'; path++) {
        char c = *path;
        if (c == '%') {
            int high = wf_http_hex_value(path[1]);
            int low = high < 0 ? -1 : wf_http_hex_value(path[2]);
            if (low < 0) {
                return -ENOENT;
            }
            c = (char)(high * 16 + low);
            path += 2;
        }
        if (c == '\0' || n + 1 == MAX_PATH) {
            return -ENOENT;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return 0;
}

/* Names that begin with a dot are not for everybody. */
static bool is_hidden(const char *path)
{
    static const char known[] = ".well-known";

    for (const char *name = path; name != NULL; name = strchr(name, '/')) {
        name += *name == '/';
        size_t len = strcspn(name, "/");
        if (name[0] == '.' && (len != sizeof known - 1 || memcmp(name, known, len) != 0)) {
            return true;
        }
    }
    return false;
}

/* ---- answers ----------------------------------------------------------------------------- */

/* The status for what cannot be opened; 0: the code itself is to be told. */
static int status_of(int code)
{
    switch (code) {
    case -ENOENT:
    case -ENOTDIR:
    case -ENAMETOOLONG:
    case -ELOOP:
    case -EXDEV: /* It lies outside. */
    case -EINVAL:
    case -ENXIO:
        return 404;
    case -EACCES:
    case -EPERM:
        return 403;
    case -EMFILE:
    case -ENFILE:
        return 503;
    default:
        return 0;
    }
}

static int answer_status(weft_http_response *response, int status)
{
    char text[64];

    snprintf(text, sizeof text, "%s\n", weft_http_status_text(status));
    return weft_http_response_set_text(response, status, text);
}

/* The same path and query, and a slash between them. */
static int redirect(const char *path, const weft_http_request *request,
                    weft_http_response *response)
{
    const char *query = weft_http_request_get_query_string(request);
    size_t size = strlen(path) + strlen(query) + 4;
    char *place = weft_malloc(size);

    if (place == NULL) {
        return WEFT_ENOMEM;
    }
    /* One slash in front: two would name another host. */
    snprintf(place, size, "/%s/%s%s", path + strspn(path, "/"), query[0] != '\0' ? "?" : "", query);
    int r = weft_http_response_add_header(response, "Location", place);
    weft_free(place);
    return r < 0 ? r : answer_status(response, 301);
}

static int add_version(weft_http_response *response, const struct wf_http_version *version)
{
    char date[WF_HTTP_DATE_SIZE];

    wf_http_date_format(version->modified, date);
    WEFT_TRY(weft_http_response_add_header(response, "Last-Modified", date));
    return weft_http_response_add_header(response, "ETag", version->tag);
}

static int add_max_age(weft_http_response *response, weft_duration max_age)
{
    char text[40];

    if (max_age == 0) {
        return 0;
    }
    snprintf(text, sizeof text, "max-age=%" PRId64, (int64_t)(max_age / WEFT_S(1)));
    return weft_http_response_add_header(response, "Cache-Control", text);
}

static int add_content_range(weft_http_response *response, int status,
                             const struct wf_http_part *part, uint64_t size)
{
    char text[80];

    if (status == 416) {
        snprintf(text, sizeof text, "bytes */%" PRIu64, size);
    } else {
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->at,
                 part->at + part->size - 1, size);
    }
    return weft_http_response_add_header(response, "Content-Range", text);
}

static int answer_file(const weft_http_files *files, const struct lookup *lookup,
                       const weft_http_request *request, weft_http_response *response)
{
    const struct stat *stat = &lookup->stat;
    char tag[TAG_SIZE];
    struct wf_http_version version = { tag, stat->st_mtim.tv_sec, (uint64_t)stat->st_size };
    struct wf_http_part part;

    snprintf(tag, sizeof tag, "\"%llx.%lx-%llx\"", (unsigned long long)stat->st_mtim.tv_sec,
             (unsigned long)stat->st_mtim.tv_nsec, (unsigned long long)stat->st_size);
    int status = wf_http_condition_check(request, &version, &part);
    if (status == 412) {
        return answer_status(response, status);
    }
    if (status == 416) {
        WEFT_TRY(add_content_range(response, status, &part, version.size));
        return answer_status(response, status);
    }
    WEFT_TRY(weft_http_response_set_status(response, status));
    WEFT_TRY(add_version(response, &version));
    WEFT_TRY(add_max_age(response, files->max_age));
    if (status == 304) {
        return 0;
    }
    const char *name = ends_with_slash(lookup->path) ? lookup->index : lookup->path;
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", weft_http_media_type(name)));
    WEFT_TRY(weft_http_response_add_header(response, "X-Content-Type-Options", "nosniff"));
    WEFT_TRY(weft_http_response_add_header(response, "Accept-Ranges", "bytes"));
    if (status == 206) {
        WEFT_TRY(add_content_range(response, status, &part, version.size));
    }
    WEFT_TRY(weft_http_response_set_length(response, part.size));
    if (part.size == 0 || strcmp(weft_http_request_get_method(request), "HEAD") == 0) {
        return 0;
    }
    return weft_http_response_send_file(response, lookup->fd, (int64_t)part.at, part.size);
}

/* ---- a request ----------------------------------------------------------------------------- */

/* Look <path> up; the caller owns *out_value, a struct lookup. */
static int run_lookup(const weft_http_files *files, const char *path, weft_value *out_value)
{
    size_t size = strlen(path) + 1;
    struct lookup *lookup = weft_malloc(sizeof *lookup + size);
    weft_future *future = NULL;

    if (lookup == NULL) {
        return WEFT_ENOMEM;
    }
    *lookup = (struct lookup){ .fd = -1 };
    memcpy(lookup->path, path, size);
    lookup->root = copy_text(files->root);
    lookup->index = copy_text(files->index);
    if (lookup->root == NULL || lookup->index == NULL) {
        free_lookup(lookup);
        return WEFT_ENOMEM;
    }
    WEFT_TRY(weft_loop_run_in_executor_with(NULL, files->executor, look_up, lookup, free_lookup,
                                            &future));
    int r = weft_await(future, out_value);
    weft_future_unref(future);
    return r;
}

static int answer_path(weft_http_files *files, const char *path, const char *decoded,
                       weft_http_request *request, weft_http_response *response)
{
    weft_value value;
    int r = run_lookup(files, decoded, &value);

    if (r == WEFT_EQUEUEFULL || r == -EAGAIN) {
        return answer_status(response, 503);
    }
    WEFT_TRY(r);
    const struct lookup *lookup = value.as.ptr;
    if (lookup->is_folder) {
        r = redirect(path, request, response);
    } else if (lookup->fd < 0) {
        int status = status_of(lookup->fd);
        r = status > 0 ? answer_status(response, status)
                       : weft_fail(lookup->fd, "cannot open '%s' below '%s'", decoded, files->root);
    } else {
        r = answer_file(files, lookup, request, response);
    }
    weft_value_clear(&value);
    return r;
}

int weft_http_files_answer(weft_http_files *files, const char *path, weft_http_request *request,
                           weft_http_response *response)
{
    char decoded[MAX_PATH];

    if (files == NULL || files->magic != MAGIC || request == NULL || response == NULL) {
        return weft_fail(WEFT_EINVAL, "no files, no request or no response");
    }
    const char *method = weft_http_request_get_method(request);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        WEFT_TRY(weft_http_response_add_header(response, "Allow", "GET, HEAD"));
        return answer_status(response, 405);
    }
    path = path == NULL ? weft_http_request_get_path(request) : path;
    if (path[0] != '/' || decode(path, decoded) < 0 || is_hidden(decoded)) {
        return answer_status(response, 404);
    }
    return answer_path(files, path, decoded, request, response);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Whether the directory and the kernel will do. */
static int probe(const char *root)
{
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0) {
        int code = -errno;
        return weft_fail(code, "cannot serve the files below '%s'", root);
    }
    int fd = open_beneath(folder, ".", O_PATH);
    (void)close(folder); /* nothing was written */
    if (fd < 0) {
        return weft_fail(fd, "cannot look below '%s'", root);
    }
    (void)close(fd); /* as above */
    return 0;
}

int weft_http_files_create(const char *root, const weft_http_files_options *options,
                           weft_http_files **out_files)
{
    weft_http_files_options all = WEFT_HTTP_FILES_OPTIONS_INIT;

    if (root == NULL || out_files == NULL) {
        return weft_fail(WEFT_EINVAL, "files are served below a directory");
    }
    if (options != NULL) {
        if (options->size == 0 || options->size > sizeof all) {
            return weft_fail(WEFT_EINVAL,
                             "options of an unknown size; use WEFT_HTTP_FILES_OPTIONS_INIT");
        }
        memcpy(&all, options, options->size);
    }
    const char *index = all.index == NULL ? "index.html" : all.index;
    if (all.max_age < 0 || strchr(index, '/') != NULL) {
        return weft_fail(WEFT_EINVAL, "an age below zero, or an index that is no plain name");
    }
    WEFT_TRY(probe(root));
    weft_http_files *files = weft_malloc(sizeof *files);
    if (files == NULL) {
        return WEFT_ENOMEM;
    }
    *files = (weft_http_files){
        .magic = MAGIC,
        .root = copy_text(root),
        .index = copy_text(index),
        .executor = weft_executor_ref(all.executor),
        .max_age = all.max_age,
    };
    if (files->root == NULL || files->index == NULL) {
        weft_http_files_destroy(files);
        return WEFT_ENOMEM;
    }
    *out_files = files;
    return 0;
}

void weft_http_files_destroy(weft_http_files *files)
{
    if (files == NULL || files->magic != MAGIC) {
        return;
    }
    files->magic = 0;
    (void)weft_executor_unref(files->executor); /* always NULL */
    weft_free(files->root);
    weft_free(files->index);
    weft_free(files);
}
