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
    int port;
    char host[]; /* terminated */
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

static struct wf_names *copy_addresses(const struct addrinfo *list)
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

/* A job: on a thread of the executor. */
static int look_up(void *arg)
{
    struct query *query = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    char service[16];
    int code = 0;

    (void)snprintf(service, sizeof service, "%d", query->port);
    int failure = getaddrinfo(query->host, service, &hints, &list);
    if (failure == EAI_SYSTEM) {
        code = weft_fail(WEFT_EADDRINFO, "%s: %s", query->host, strerror(errno));
    } else if (failure == EAI_MEMORY) {
        code = WEFT_ENOMEM;
    } else if (failure != 0) {
        code = weft_fail(WEFT_EADDRINFO, "%s: %s", query->host, gai_strerror(failure));
    } else {
        struct wf_names *names = copy_addresses(list);
        code = names == NULL ? WEFT_ENOMEM : weft_return_ptr(names, free_names);
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
        int code = weft_executor_create(&options, &io->names);
        if (code < 0) {
            return code;
        }
    }
    *out_executor = io->names;
    return 0;
}

static struct query *make_query(const char *host, int port)
{
    size_t size = strlen(host) + 1;
    struct query *query = wf_alloc(sizeof *query + size);

    if (query != NULL) {
        query->port = port;
        memcpy(query->host, host, size);
    }
    return query;
}

int wf_names_look_up(struct wf_io *io, const char *host, int port, weft_time deadline,
                     const weft_origin *origin, struct wf_names **out_names)
{
    weft_executor *executor;
    weft_future *future;
    weft_value value;
    int code = get_executor(io, &executor);

    if (code < 0) {
        return code;
    }
    struct query *query = make_query(host, port);
    if (query == NULL) {
        return WEFT_ENOMEM;
    }
    code = weft_loop_run_in_executor_at(origin, io->loop, executor, look_up, query, free_query,
                                        &future);
    if (code < 0) {
        return code;
    }
    weft_duration left = deadline == WEFT_FOREVER ? WEFT_FOREVER : deadline - wf_loop_now(io->loop);
    code = weft_wait_for_at(origin, future, left, &value);
    weft_future_unref(future);
    if (code == 0) {
        *out_names = value.as.ptr; /* its destructor is wf_free: the caller's now */
    }
    return code;
}
