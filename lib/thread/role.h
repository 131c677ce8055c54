#ifndef WF_THREAD_ROLE_H
#define WF_THREAD_ROLE_H

/*
 * What the calling thread is, so that a call that would block it for good can
 * be refused; and whether its process is the child of a fork.
 */

#include <stdbool.h>
#include <stdint.h>

struct weft_executor;
struct weft_loop;
struct wf_mailbox;

/* Set by the loop around its run. */
extern __thread bool wf_thread_runs_loop __attribute__((tls_model("initial-exec")));
/* The mailbox of the loop that runs on this thread, or NULL: it need not post to itself. */
extern __thread struct wf_mailbox *wf_thread_mailbox __attribute__((tls_model("initial-exec")));
/* The executor whose worker this thread is, or NULL. */
extern __thread struct weft_executor *wf_thread_executor __attribute__((tls_model("initial-exec")));

/*
 * Names the calling thread to what it owns; 0 until it owns something, see wf_thread_get_stamp.
 * In a forked child it is 0 again: nothing that the parent made is owned there, and the check of
 * the owner refuses it without a second comparison.
 */
extern __thread uint64_t wf_thread_stamp __attribute__((tls_model("initial-exec")));
/* wf_thread_stamp, which is not 0 from now on. */
uint64_t wf_thread_get_stamp(void);

/* The loop that runs on this thread; NULL when none does, and in a forked child of its callback. */
extern __thread struct weft_loop *wf_thread_loop __attribute__((tls_model("initial-exec")));

/* Grows in each forked child, once somebody watches: what was made before does not work there. */
extern uint32_t wf_fork_generation;
/* Again and again is harmless. */
void wf_watch_forks(void);

#endif
