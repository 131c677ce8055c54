/*
 * The role of a thread. See role.h.
 */

#include "thread/role.h"

#include <stddef.h>

__thread bool wf_thread_runs_loop __attribute__((tls_model("initial-exec")));
__thread struct weft_executor *wf_thread_executor __attribute__((tls_model("initial-exec")));
