/*
 * weft/dns.h: names for everybody.
 *
 * A list is one block of memory: its head, the entries, and the one canonical
 * name that a look-up can give. Buffers of a getnameinfo job are the job's own,
 * so that a task which leaves early leaves nothing behind that is written to.
 *
 * Thread: the loop's, in a task; the jobs run on a thread of the executor.
 */

#include "weft/dns.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "io/names.h"
#include "task/task.h"
#include "weft/result.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAGIC 0x77664164u

struct entry {
    struct wf_address address;
    int type;
    int proto;
};

struct weft_addrinfo_list {
    uint32_t magic;
    size_t n;
    char *canonname; /* borrowed: behind the entries, "" when there is none */
    struct entry entries[];
};

static_assert(NI_MAXHOST <= WEFT_HOST_SIZE && NI_MAXSERV <= WEFT_SERVICE_SIZE,
              "names of any length fit");

/* ---- lists -------------------------------------------------------------- */

static bool is_list(const weft_addrinfo_list *list)
{
    return list != NULL && list->magic == LIST_MAGIC;
}

size_t weft_addrinfo_list_get_n(const weft_addrinfo_list *list)
{
    return is_list(list) ? list->n : 0;
}

weft_addrinfo weft_addrinfo_list_get(const weft_addrinfo_list *list, size_t i)
{
    weft_addrinfo info = { .canonname = "" };

    if (!is_list(list) || i >= list->n) {
        return info;
    }
    const struct entry *entry = &list->entries[i];
    info.family = entry->address.as.any.sa_family;
    info.type = entry->type;
    info.proto = entry->proto;
    info.canonname = i == 0 ? list->canonname : "";
    info.address = &entry->address.as.any;
    info.address_len = entry->address.len;
    return info;
}

void weft_addrinfo_list_destroy(weft_addrinfo_list *list)
{
    if (is_list(list)) {
        list->magic = 0;
        wf_free(list);
    }
}

static void destroy_list(void *data)
{
    weft_addrinfo_list_destroy(data);
}

/* On the thread that looked up, or here for numbers. */
static void *copy_list(const struct addrinfo *infos)
{
    const char *canonname = infos != NULL && infos->ai_canonname != NULL ? infos->ai_canonname : "";
    size_t n = 0;

    for (const struct addrinfo *a = infos; a != NULL; a = a->ai_next) {
        n++;
    }
    size_t head = sizeof(weft_addrinfo_list) + n * sizeof(struct entry);
    weft_addrinfo_list *list = wf_alloc(head + strlen(canonname) + 1);
    if (list == NULL) {
        return NULL;
    }
    memset(list, 0, head);
    list->magic = LIST_MAGIC;
    list->canonname = strcpy((char *)list + head, canonname);
    for (const struct addrinfo *a = infos; a != NULL; a = a->ai_next) {
        struct entry *entry = &list->entries[list->n];
        if (a->ai_addrlen <= sizeof entry->address.as) {
            memcpy(&entry->address.as, a->ai_addr, a->ai_addrlen);
            entry->address.len = a->ai_addrlen;
            entry->type = a->ai_socktype;
            entry->proto = a->ai_protocol;
            list->n++;
        }
    }
    return list;
}

/* ---- getaddrinfo -------------------------------------------------------- */

/* The slot of <loop>, which must be the running task's. */
static int begin(const char *what, weft_loop *loop, struct wf_io **out_io)
{
    struct wf_task *task;
    int code = wf_loop_resolve(&loop);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    if (loop != wf_loop_running) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s on a loop that does not run", what);
    }
    return wf_io_get(loop, out_io);
}

/* Numbers are answered here and now: 0, or 1 when there is something to look up. */
static int answer_numbers(const char *host, const char *service, const struct wf_name_hints *hints,
                          weft_addrinfo_list **out_list)
{
    const struct addrinfo wanted = {
        .ai_family = hints->family,
        .ai_socktype = hints->type,
        .ai_protocol = hints->proto,
        /* Whether a protocol is configured would be asked of the kernel. */
        .ai_flags = (hints->flags & ~AI_ADDRCONFIG) | AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *infos;

    if (host == NULL || (hints->flags & AI_ADDRCONFIG) != 0 ||
        getaddrinfo(host, service, &wanted, &infos) != 0) {
        return 1;
    }
    weft_addrinfo_list *list = copy_list(infos);
    freeaddrinfo(infos);
    if (list == NULL) {
        return WEFT_ENOMEM;
    }
    *out_list = list;
    return 0;
}

int weft_loop_getaddrinfo_at(const weft_origin *origin, weft_loop *loop, const char *host,
                             const char *service, const weft_getaddrinfo_options *options,
                             weft_addrinfo_list **out_list)
{
    weft_getaddrinfo_options read = WEFT_GETADDRINFO_OPTIONS_INIT;
    struct wf_io *io = NULL;
    void *list;
    int code = begin("weft_loop_getaddrinfo", loop, &io);

    if (code < 0 ||
        (code = wf_options_read("getaddrinfo options", options, &read, sizeof read)) < 0) {
        return code;
    }
    if (out_list == NULL || (host == NULL && service == NULL) || read.limit < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         out_list == NULL ? "no place for the addresses"
                         : read.limit < 0 ? "the limit of a look-up is negative"
                                          : "a look-up of no host and no service");
    }
    const struct wf_name_hints hints = { read.family, read.type, read.proto, read.flags };
    code = answer_numbers(host, service, &hints, out_list);
    if (code <= 0) {
        return code;
    }
    weft_time deadline = read.limit == 0 ? WEFT_FOREVER : wf_loop_deadline(io->loop, read.limit);
    code =
        wf_names_query(io, host, service, &hints, copy_list, destroy_list, deadline, origin, &list);
    if (code == 0) {
        *out_list = list;
    }
    return code;
}

/* ---- getnameinfo -------------------------------------------------------- */

struct name_job {
    struct wf_address address;
    int flags;
    bool wants_host;
    bool wants_service;
    char host[WEFT_HOST_SIZE];
    char service[WEFT_SERVICE_SIZE];
};

static void free_job(void *data)
{
    wf_free(data);
}

static int find_names(struct name_job *job)
{
    int failure = getnameinfo(&job->address.as.any, job->address.len, job->host,
                              job->wants_host ? sizeof job->host : 0, job->service,
                              job->wants_service ? sizeof job->service : 0, job->flags);

    return failure == 0 ? 0 : wf_names_fail("getnameinfo", failure, errno);
}

/* A job: on a thread of the executor. */
static int find_names_job(void *arg)
{
    struct name_job *job = arg;
    int code = find_names(job);

    if (code < 0) {
        free_job(job);
        return code;
    }
    return weft_return_ptr(job, free_job);
}

static int give_name(const char *name, char *buffer, size_t size)
{
    if (buffer != NULL && size > 0) {
        memcpy(buffer, name, strlen(name) + 1);
    }
    return 0;
}

static int give_names(const struct name_job *job, char *host, size_t host_size, char *service,
                      size_t service_size)
{
    if ((job->wants_host && strlen(job->host) >= host_size) ||
        (job->wants_service && strlen(job->service) >= service_size)) {
        return wf_names_fail("getnameinfo", EAI_OVERFLOW, 0);
    }
    (void)give_name(job->host, host, host_size); /* both fit */
    (void)give_name(job->service, service, service_size);
    return 0;
}

static int run_name_job(struct wf_io *io, struct name_job **job, weft_duration limit,
                        const weft_origin *origin)
{
    const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    weft_value value;

    if (((*job)->flags & numeric) == numeric) {
        return find_names(*job);
    }
    struct name_job *given = *job;
    *job = NULL; /* the executor's, also on failure */
    int code = wf_names_run(io, find_names_job, given, free_job, wf_loop_deadline(io->loop, limit),
                            origin, &value);
    if (code == 0) {
        *job = value.as.ptr;
    }
    return code;
}

int weft_loop_getnameinfo_at(const weft_origin *origin, weft_loop *loop,
                             const struct sockaddr *address, size_t len, int flags,
                             weft_duration limit, char *host, size_t host_size, char *service,
                             size_t service_size)
{
    struct wf_io *io = NULL;
    bool wants_host = host != NULL && host_size > 0;
    bool wants_service = service != NULL && service_size > 0;
    int code = begin("weft_loop_getnameinfo", loop, &io);

    if (code < 0) {
        return code;
    }
    if (address == NULL || len < sizeof address->sa_family ||
        len > sizeof((struct wf_address *)NULL)->as || limit < 0 ||
        (!wants_host && !wants_service)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "getnameinfo without an address, without a place for a name, or with a "
                         "negative limit");
    }
    struct name_job *job = wf_new(struct name_job);
    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    job->address.len = (socklen_t)len;
    memcpy(&job->address.as, address, len);
    job->flags = flags;
    job->wants_host = wants_host;
    job->wants_service = wants_service;
    code = run_name_job(io, &job, limit, origin);
    if (code == 0) {
        code = give_names(job, host, host_size, service, service_size);
    }
    free_job(job);
    return code;
}

/* ---- facts -------------------------------------------------------------- */

int weft_loop_get_names_stats(weft_loop *loop, weft_executor_stats *out_stats)
{
    static const weft_executor_stats none = { .size = sizeof none };
    int code = wf_loop_resolve(&loop);

    if (code < 0) {
        return code;
    }
    const struct wf_io *io = loop->slots[WF_LOOP_SLOT_IO].data;
    if (io == NULL || io->names == NULL) {
        return wf_stats_write("executor statistics", out_stats, &none, sizeof none);
    }
    return weft_executor_get_stats(io->names, out_stats);
}

int weft_address_format(const struct sockaddr *address, size_t len, char *buffer, size_t size)
{
    struct wf_address copy = { .len = (socklen_t)len };

    if (address == NULL || len < sizeof address->sa_family || len > sizeof copy.as ||
        buffer == NULL || size == 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no address, or no buffer for its text");
    }
    memcpy(&copy.as, address, len);
    if ((copy.as.any.sa_family == AF_INET && len < sizeof copy.as.in) ||
        (copy.as.any.sa_family == AF_INET6 && len < sizeof copy.as.in6)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "an address of only %zu bytes", len);
    }
    wf_address_format(&copy, buffer, size);
    return 0;
}

int weft_address_parse(const char *host, int port, struct sockaddr *address, size_t *len)
{
    struct wf_address parsed;

    if (host == NULL || address == NULL || len == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no host, or no place for its address");
    }
    if (wf_address_parse(host, port, &parsed) < 0) {
        return weft_fail(WEFT_EINVAL, "not a numeric address: host \"%s\", port %d", host, port);
    }
    if (*len < parsed.len) {
        return weft_fail(WEFT_EINVAL, "%zu bytes are too few for an address of %zu", *len,
                         (size_t)parsed.len);
    }
    memcpy(address, &parsed.as, parsed.len);
    *len = parsed.len;
    return 0;
}
