/*
 * Looking names up. One small executor per loop, made at the first name; a job
 * owns a copy of the name, so that a task that is cancelled leaves at once and
 * the job ends in its own time.
 *
 * Thread: the loop's, in a task; look_up runs on a thread of the executor.
 */

#include "io/names.h"

#include "base/alloc.h"
#include "weft/bridge.h"
#include "weft/executor.h"
#include "weft/result.h"
#include "weft/task.h"
#include "weft/timeout.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_THREADS = 4,
    QUEUE_LIMIT = 1024
};

struct query {
    struct wf_name_hints hints;
    wf_resolve_fn *resolve;
    void *(*copy)(const struct addrinfo *list);
    weft_destroy_fn *destroy; /* of the copy */
    const char *host;         /* in texts, or NULL */
    const char *service;
    char texts[];
};

static void free_query(void *data)
{
    wf_free(data);
}

static void free_names(void *data)
{
    wf_free(data);
}

static size_t count(const struct addrinfo *list)
{
    size_t n = 0;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        n++;
    }
    return n;
}

static void *copy_addresses(const struct addrinfo *list)
{
    struct wf_names *names = wf_alloc(sizeof *names + count(list) * sizeof names->addresses[0]);

    if (names == NULL) {
        return NULL;
    }
    names->n = 0;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        if (a->ai_addrlen <= sizeof names->addresses[0].as) {
            struct wf_address *address = &names->addresses[names->n++];
            memset(address, 0, sizeof *address);
            memcpy(&address->as, a->ai_addr, a->ai_addrlen);
            address->len = a->ai_addrlen;
        }
    }
    return names;
}

int wf_names_fail(const char *what, int failure, int number)
{
    if (failure == EAI_MEMORY) {
        return WEFT_ENOMEM;
    }
    int code = weft_fail(WEFT_EADDRINFO, "%s: %s", what,
                         failure == EAI_SYSTEM ? strerror(number) : gai_strerror(failure));
    return wf_fail_detail(code, failure);
}

/* A job: on a thread of the executor. */
static int look_up(void *arg)
{
    struct query *query = arg;
    struct addrinfo hints = { .ai_family = query->hints.family,
                              .ai_socktype = query->hints.type,
                              .ai_protocol = query->hints.proto,
                              .ai_flags = query->hints.flags };
    struct addrinfo *list = NULL;
    int code = 0;

    int failure = query->resolve(query->host, query->service, &hints, &list);
    if (failure != 0) {
        code = wf_names_fail(query->host != NULL ? query->host : "", failure, errno);
    } else {
        void *copy = query->copy(list);
        code = copy == NULL ? WEFT_ENOMEM : weft_return_ptr(copy, query->destroy);
        freeaddrinfo(list);
    }
    free_query(query);
    return code;
}

static int get_executor(struct wf_io *io, weft_executor **out_executor)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    if (io->names == NULL) {
        options.name = "dns";
        options.max_threads = MAX_THREADS;
        options.queue_limit = QUEUE_LIMIT;
        int code = weft_executor_create_at(NULL, &options, &io->names);
        if (code < 0) {
            return code;
        }
    }
    *out_executor = io->names;
    return 0;
}

static struct query *make_query(const char *host, const char *service)
{
    size_t host_size = host != NULL ? strlen(host) + 1 : 0;
    size_t service_size = service != NULL ? strlen(service) + 1 : 0;
    struct query *query = wf_alloc(sizeof *query + host_size + service_size);

    if (query == NULL) {
        return NULL;
    }
    memset(query, 0, sizeof *query);
    if (host != NULL) {
        query->host = memcpy(query->texts, host, host_size);
    }
    if (service != NULL) {
        query->service = memcpy(query->texts + host_size, service, service_size);
    }
    return query;
}

int wf_names_run(struct wf_io *io, weft_job_fn *job, void *arg, weft_destroy_fn *destroy,
                 weft_time deadline, const weft_origin *origin, weft_value *out_value)
{
    weft_executor *executor;
    weft_future *future;
    int code = get_executor(io, &executor);

    if (code < 0) {
        destroy(arg);
        return code;
    }
    code = weft_loop_run_in_executor_at(origin, io->loop, executor, job, arg, destroy, &future);
    if (code < 0) {
        return code;
    }
    weft_duration left = deadline == WEFT_FOREVER ? WEFT_FOREVER : deadline - wf_loop_now(io->loop);
    code = weft_wait_for_at(origin, future, left, out_value);
    weft_future_unref(future);
    return code;
}

int wf_names_query(struct wf_io *io, const char *host, const char *service,
                   const struct wf_name_hints *hints, void *(*copy)(const struct addrinfo *list),
                   weft_destroy_fn *destroy, weft_time deadline, const weft_origin *origin,
                   void **out_copy)
{
    struct query *query = make_query(host, service);
    weft_value value;

    if (query == NULL) {
        return WEFT_ENOMEM;
    }
    query->hints = *hints;
    query->resolve = io->resolve;
    query->copy = copy;
    query->destroy = destroy;
    int code = wf_names_run(io, look_up, query, free_query, deadline, origin, &value);
    if (code == 0) {
        *out_copy = value.as.ptr; /* its destructor is ours to call from now on */
    }
    return code;
}

/* A numeric host of the family that is wanted. */
static bool is_numeric(const char *host, int port, int family, struct wf_address *out_address)
{
    return host != NULL && wf_address_parse(host, port, out_address) == 0 &&
           (family == AF_UNSPEC || family == out_address->as.any.sa_family);
}

static int wrap_numeric(const struct wf_address *address, struct wf_names **out_names)
{
    struct wf_names *names = wf_alloc(sizeof *names + sizeof names->addresses[0]);

    if (names == NULL) {
        return WEFT_ENOMEM;
    }
    names->n = 1;
    names->addresses[0] = *address;
    *out_names = names;
    return 0;
}

int wf_names_look_up(struct wf_io *io, const char *host, int port,
                     const struct wf_name_hints *hints, weft_time deadline,
                     const weft_origin *origin, struct wf_names **out_names)
{
    struct wf_name_hints wanted = *hints;
    struct wf_address numeric;
    char service[16];
    void *copy;

    if (is_numeric(host, port, hints->family, &numeric)) {
        return wrap_numeric(&numeric, out_names);
    }
    (void)snprintf(service, sizeof service, "%d", port);
    wanted.flags |= AI_NUMERICSERV;
    int code = wf_names_query(io, host, service, &wanted, copy_addresses, free_names, deadline,
                              origin, &copy);
    if (code == 0) {
        *out_names = copy;
    }
    return code;
}
