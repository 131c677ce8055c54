/*
 * The role of a thread. See role.h.
 */

#include "thread/role.h"

#include "thread/registry.h"

#include <pthread.h>
#include <stddef.h>

__thread bool wf_thread_runs_loop __attribute__((tls_model("initial-exec")));
__thread struct wf_mailbox *wf_thread_mailbox __attribute__((tls_model("initial-exec")));
__thread struct weft_executor *wf_thread_executor __attribute__((tls_model("initial-exec")));

__thread uint64_t wf_thread_stamp __attribute__((tls_model("initial-exec")));
__thread struct weft_loop *wf_thread_loop __attribute__((tls_model("initial-exec")));

uint32_t wf_fork_generation;

static uint64_t n_stamps; /* atomic, relaxed: given to threads */

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

uint64_t wf_thread_get_stamp(void)
{
    if (wf_thread_stamp == 0) {
        wf_thread_stamp = __atomic_add_fetch(&n_stamps, 1, __ATOMIC_RELAXED);
    }
    return wf_thread_stamp;
}

/* In the child, where the forking thread is the only one. */
static void on_fork_in_child(void)
{
    wf_fork_generation++;
    wf_registry_unlock();
    wf_thread_stamp = 0;
    wf_thread_loop = NULL;
}

static void watch_forks(void)
{
    /* Fails without memory only; then children are not told apart. */
    (void)pthread_atfork(wf_registry_lock, wf_registry_unlock, on_fork_in_child);
}

void wf_watch_forks(void)
{
    pthread_once(&fork_once, watch_forks);
}
