/*
 * What a program leaves unclosed when it ends: loops and executors of its own.
 *
 * They are found by the registries at the end of the process, when nobody can close
 * them any more. A process that ends inside a loop, by exit() or abort(), did not
 * forget anything: then nothing is said. What is found is copied under the
 * registries' lock and reported after.
 *
 * Thread: the one that ends the process; others may still run.
 */

#include "loop/loop.h"

#include "base/log.h"
#include "thread/executor_parts.h"
#include "thread/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_REPORTED = 16
};

struct leftover {
    char name[64];
    char object[160];
    const weft_origin *origin;
    struct wf_creation *creation; /* owned, or NULL */
};

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* A loop runs: somebody ends the process from within. */
static bool is_inside_a_run(void)
{
    for (const struct wf_list *link = wf_loops.next; link != &wf_loops; link = link->next) {
        if (weft_loop_is_running(WF_CONTAINER_OF(link, weft_loop, registry_link))) {
            return true;
        }
    }
    return false;
}

static size_t find_loops(struct leftover *found)
{
    size_t n = 0;

    for (struct wf_list *link = wf_loops.next; link != &wf_loops && n < MAX_REPORTED;
         link = link->next) {
        const weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, registry_link);
        if (!weft_loop_is_closed(loop) && loop->forks == wf_fork_generation) {
            snprintf(found[n].name, sizeof found[n].name, "%s", loop->name);
            wf_loop_describe(loop, found[n].object, sizeof found[n].object);
            found[n].creation = wf_creation_copy(loop->creation);
            found[n++].origin = loop->origin;
        }
    }
    return n;
}

/* Those without an origin are the library's: they go with their loop. */
static bool is_forgotten(weft_executor *executor, struct leftover *found)
{
    pthread_mutex_lock(&executor->mu);
    bool is_open = executor->origin != NULL && !executor->is_shut && !executor->is_orphan &&
                   executor->forks == wf_fork_generation;
    if (is_open) {
        snprintf(found->name, sizeof found->name, "%s", executor->name);
        snprintf(found->object, sizeof found->object,
                 "<Executor '%s' threads=%zu running=%zu queued=%zu>", executor->name,
                 executor->n_threads, executor->n_running, executor->n_queued);
        found->origin = executor->origin;
        found->creation = NULL;
    }
    pthread_mutex_unlock(&executor->mu);
    return is_open;
}

static size_t find_executors(struct leftover *found)
{
    size_t n = 0;

    for (struct wf_list *link = wf_executors.next; link != &wf_executors && n < MAX_REPORTED;
         link = link->next) {
        if (is_forgotten(WF_CONTAINER_OF(link, weft_executor, registry_link), &found[n])) {
            n++;
        }
    }
    return n;
}

static void report(struct leftover *left, enum weft_report_kind kind, const char *what)
{
    char message[128];
    char creation[WF_CREATION_TEXT_SIZE];
    weft_report report = WEFT_REPORT_INIT;

    snprintf(message, sizeof message, "unclosed %s '%s'", what, left->name);
    report.kind = kind;
    report.message = message;
    report.subject = left->name;
    report.object = left->object;
    report.origin = left->origin;
    report.source_traceback = wf_creation_describe(left->creation, "Object", creation);
    wf_report(&report);
    wf_creation_free(left->creation);
}

static void report_at_exit(void)
{
    struct leftover loops[MAX_REPORTED];
    struct leftover executors[MAX_REPORTED];
    size_t n_loops = 0;
    size_t n_executors = 0;

    wf_registry_lock();
    if (!is_inside_a_run()) {
        n_loops = find_loops(loops);
        n_executors = find_executors(executors);
    }
    wf_registry_unlock();
    for (size_t i = 0; i < n_loops; i++) {
        report(&loops[i], WEFT_REPORT_UNCLOSED_LOOP, "event loop");
    }
    for (size_t i = 0; i < n_executors; i++) {
        report(&executors[i], WEFT_REPORT_UNCLOSED_EXECUTOR, "executor");
    }
}

static void register_exit(void)
{
    (void)atexit(report_at_exit); /* without a slot the reports are lost, nothing else */
}

void wf_loop_watch_exit(void)
{
    (void)pthread_once(&exit_once, register_exit);
}
