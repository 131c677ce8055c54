#ifndef WF_IO_NAMES_H
#define WF_IO_NAMES_H

/*
 * Host names to addresses, by getaddrinfo(3) on threads of their own: it blocks
 * for as long as a name server lets it.
 *
 * Thread: the loop's, in a task.
 */

#include "io/address.h"
#include "io/io.h"
#include "weft/executor.h"
#include "weft/time.h"

/* What a look-up gave, in the order to try. */
struct wf_names {
    size_t n;
    struct wf_address addresses[];
};

/* What is wanted of a look-up: as in struct addrinfo. */
struct wf_name_hints {
    int family;
    int type;
    int proto;
    int flags;
};

/*
 * <host> may be NULL. A numeric one needs no look-up and no thread. The caller frees *out_names
 * with wf_free. WEFT_EADDRINFO with the resolver's own words and number, WEFT_ETIMEDOUT,
 * WEFT_ECANCELED, WEFT_ENOMEM, those of the executor.
 */
int wf_names_look_up(struct wf_io *io, const char *host, int port,
                     const struct wf_name_hints *hints, weft_time deadline,
                     const weft_origin *origin, struct wf_names **out_names);

/*
 * The same as anything: on the thread that looks up, <copy> makes *out_copy of the resolver's list
 * (NULL: WEFT_ENOMEM), which <destroy> destroys if nobody gets it. No short way for numbers.
 */
struct addrinfo;
int wf_names_query(struct wf_io *io, const char *host, const char *service,
                   const struct wf_name_hints *hints, void *(*copy)(const struct addrinfo *list),
                   weft_destroy_fn *destroy, weft_time deadline, const weft_origin *origin,
                   void **out_copy);

/*
 * Run a job on the threads for names and take its value. <arg> is the job's, <destroy> is called
 * for it if the job never runs; also on failure.
 */
int wf_names_run(struct wf_io *io, weft_job_fn *job, void *arg, weft_destroy_fn *destroy,
                 weft_time deadline, const weft_origin *origin, weft_value *out_value);

/* What the resolver came back with, as an error of the running job or task. */
int wf_names_fail(const char *what, int failure, int number);

#endif
