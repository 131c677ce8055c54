#ifndef WF_THREAD_ROLE_H
#define WF_THREAD_ROLE_H

/*
 * What the calling thread is, so that a call that would block it for good can
 * be refused; and whether its process is the child of a fork.
 */

#include <stdbool.h>
#include <stdint.h>

struct weft_executor;

struct wf_mailbox;

/* Set by the loop around its run. */
extern __thread bool wf_thread_runs_loop __attribute__((tls_model("initial-exec")));
/* The mailbox of the loop that runs on this thread, or NULL: it need not post to itself. */
extern __thread struct wf_mailbox *wf_thread_mailbox __attribute__((tls_model("initial-exec")));
/* The executor whose worker this thread is, or NULL. */
extern __thread struct weft_executor *wf_thread_executor __attribute__((tls_model("initial-exec")));

/* Grows in each forked child, once somebody watches: what was made before does not work there. */
extern uint32_t wf_fork_generation;
/* Again and again is harmless. */
void wf_watch_forks(void);

#endif
