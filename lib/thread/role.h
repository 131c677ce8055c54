#ifndef WF_THREAD_ROLE_H
#define WF_THREAD_ROLE_H

/*
 * What the calling thread is, so that a call that would block it for good can
 * be refused.
 */

#include <stdbool.h>

struct weft_executor;

/* Set by the loop around its run. */
extern __thread bool wf_thread_runs_loop __attribute__((tls_model("initial-exec")));
/* The executor whose worker this thread is, or NULL. */
extern __thread struct weft_executor *wf_thread_executor __attribute__((tls_model("initial-exec")));

#endif
