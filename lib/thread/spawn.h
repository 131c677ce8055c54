#ifndef WF_THREAD_SPAWN_H
#define WF_THREAD_SPAWN_H

/*
 * Starting a process, and being the parent of one.
 *
 * Starting blocks: the caller's memory is the child's until exec. So it is a job
 * for a thread that may wait. What it needs is collected before, in a
 * wf_spawn that owns copies of everything; then it needs no memory any more.
 *
 * A child is known by its pidfd, so that neither a signal nor a wait can meet a
 * stranger with the same number, and nobody needs SIGCHLD.
 *
 * Thread: any, one at a time for each object.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    WF_SPAWN_MAX_FDS = 64,     /* of one child, with its standard ones */
    WF_SPAWN_MAX_TARGET = 1023 /* the highest number that a child can be given */
};

/* ---- what to start ------------------------------------------------------ */

struct wf_spawn_fd {
    int source; /* owned; -1: /dev/null; WF_SPAWN_SAME_AS_STDOUT */
    int target;
};

#define WF_SPAWN_SAME_AS_STDOUT (-2)

struct wf_spawn {
    char **argv;         /* owned, with its texts in one block */
    char **env;          /* the same */
    const char *program; /* borrowed: argv[0], or what stands before it in the block */
    int cwd;             /* owned: the folder, by O_PATH; -1: ours */
    bool has_session;    /* a new session, and so a group */
    bool has_group;      /* a new process group */
    bool keeps_signals;  /* SIGPIPE and SIGXFSZ are left as they are */
    size_t n_fds;
    struct wf_spawn_fd fds[WF_SPAWN_MAX_FDS];
};

/* Zero it. */
void wf_spawn_init(struct wf_spawn *spawn);
/* Close and free what it owns. Twice is harmless. */
void wf_spawn_fini(struct wf_spawn *spawn);

/* Copy what to run; NULL <env> is our own as it is now. WEFT_ENOMEM. */
int wf_spawn_set_program(struct wf_spawn *spawn, const char *const *argv, const char *const *env);
/* A system code (-ENOENT, -ENOTDIR). */
int wf_spawn_set_cwd(struct wf_spawn *spawn, const char *path);
/*
 * The child's <target> is a copy of <source>, which stays the caller's. A number below <floor>,
 * which all targets are, is not used for the copy. -EBADF, -EMFILE.
 */
int wf_spawn_add_fd(struct wf_spawn *spawn, int source, int target, int floor);
/* The same for one of the two special sources. */
void wf_spawn_add_special(struct wf_spawn *spawn, int source, int target);

/* ---- the child ---------------------------------------------------------- */

struct wf_child {
    pid_t pid;
    int pidfd; /* owned; -1: there is none, or it was reaped */
};

#define WF_CHILD_INIT ((struct wf_child){ 0, -1 })

/* No return code: somebody else has reaped the child, and what it came to is not known. */
#define WF_CHILD_LOST INT_MAX

/*
 * Start it. Blocks until the program runs or could not be started. Every descriptor of ours that
 * is no target is closed in it; its mask of signals is empty. A system code, with a message.
 */
int wf_spawn_run(struct wf_spawn *spawn, struct wf_child *out_child);

/* Send <signum> to the child, or to its whole group. A system code. */
int wf_child_signal(const struct wf_child *child, int signum, bool to_group);

/*
 * Take its exit: true with *out_returncode, negative the signal that ended it, or WF_CHILD_LOST.
 * False: it still runs. Afterwards it must not be sent a signal; the pidfd is still to be closed.
 */
bool wf_child_try_reap(const struct wf_child *child, int *out_returncode);
void wf_child_close(struct wf_child *child);

/* Wait until its exit can be taken, at most <limit_ms> (-1: no limit). False: it still runs. */
bool wf_child_wait(const struct wf_child *child, int limit_ms);
/* Kill it and take its exit; blocks for as long as a killed process takes to die. Its return code,
 * or WF_CHILD_LOST. */
int wf_child_end(struct wf_child *child, bool has_group);

/* "SIGKILL"; "signal 77" for what has no name. Into <buffer>, which is returned. */
const char *wf_signal_name(int signum, char *buffer, size_t size);

#endif
