/*
 * Starting a process by posix_spawn, and being its parent by a pidfd.
 *
 * Order in the child: the folder, then the descriptors, then everything else is
 * closed. All sources lie above all targets (wf_spawn_add_fd), so that no copy
 * overwrites the source of another.
 *
 * The program is looked for here and not by posix_spawnp: in the PATH that the
 * child will have, as Python does it. Only what exists is tried.
 *
 * A process with no handler for SIGCHLD is reaped by waitid(P_PIDFD) alone. In a
 * host that ignores SIGCHLD, or waits for any child, the exit may be gone: then it
 * is WF_CHILD_LOST.
 *
 * Thread: any.
 */

#include "thread/spawn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum {
    FIRST_OTHER_FD = 3,
    END_LIMIT_MS = 5000 /* how long a killed process may take */
};

static const char default_path[] = "/bin:/usr/bin"; /* os.defpath */

/* ---- what to start ------------------------------------------------------ */

void wf_spawn_init(struct wf_spawn *spawn)
{
    memset(spawn, 0, sizeof *spawn);
    spawn->cwd = -1;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* whatever it says, it is gone */
        *fd = -1;
    }
}

void wf_spawn_fini(struct wf_spawn *spawn)
{
    for (size_t i = 0; i < spawn->n_fds; i++) {
        close_fd(&spawn->fds[i].source);
    }
    spawn->n_fds = 0;
    if (spawn->cwd >= 0) {
        close_fd(&spawn->cwd);
    }
    wf_free(spawn->argv);
    wf_free(spawn->env);
    spawn->argv = NULL;
    spawn->env = NULL;
    spawn->cwd = -1;
}

/* A copy of a list of texts and of the texts, in one block. */
static char **copy_texts(const char *const *texts)
{
    size_t n = 0;
    size_t size = 0;

    while (texts[n] != NULL) {
        size += strlen(texts[n++]) + 1;
    }
    char **copy = wf_alloc((n + 1) * sizeof *copy + size);
    if (copy == NULL) {
        return NULL;
    }
    char *at = (char *)(copy + n + 1);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(texts[i]) + 1;
        copy[i] = memcpy(at, texts[i], len);
        at += len;
    }
    copy[n] = NULL;
    return copy;
}

int wf_spawn_set_program(struct wf_spawn *spawn, const char *const *argv, const char *const *env)
{
    static const char *const nothing[] = { NULL };

    if (env == NULL) {
        env = environ != NULL ? (const char *const *)environ : nothing;
    }
    spawn->argv = copy_texts(argv);
    spawn->env = spawn->argv != NULL ? copy_texts(env) : NULL;
    if (spawn->env == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for what '%s' is given", argv[0]);
    }
    spawn->program = spawn->argv[0];
    return 0;
}

int wf_spawn_set_cwd(struct wf_spawn *spawn, const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return weft_fail(-errno, "%s: '%s'", strerror(errno), path);
    }
    spawn->cwd = fd;
    return 0;
}

void wf_spawn_add_special(struct wf_spawn *spawn, int source, int target)
{
    WF_ASSERT(spawn->n_fds < WF_SPAWN_MAX_FDS);
    spawn->fds[spawn->n_fds++] = (struct wf_spawn_fd){ source, target };
}

int wf_spawn_add_fd(struct wf_spawn *spawn, int source, int target, int floor)
{
    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    int copy = fcntl(source, F_DUPFD_CLOEXEC, floor);
    if (copy < 0) {
        int error = errno == EINVAL ? EMFILE : errno; /* our limit lies below <floor> */
        return weft_fail(-error, "descriptor %d for the child's %d: %s", source, target,
                         strerror(error));
    }
    wf_spawn_add_special(spawn, copy, target);
    return 0;
}

/* ---- starting ----------------------------------------------------------- */

struct plan {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

/* Targets in between that nobody asked for are closed one by one, the rest in one call. */
static int plan_closing(const struct wf_spawn *spawn, posix_spawn_file_actions_t *actions)
{
    bool is_target[WF_SPAWN_MAX_TARGET + 1] = { false };
    int end = FIRST_OTHER_FD;
    int r = 0;

    for (size_t i = 0; i < spawn->n_fds; i++) {
        int target = spawn->fds[i].target;
        is_target[target] = true;
        end = target >= end ? target + 1 : end;
    }
    for (int fd = FIRST_OTHER_FD; fd < end && r == 0; fd++) {
        r = is_target[fd] ? 0 : posix_spawn_file_actions_addclose(actions, fd);
    }
    return r != 0 ? r : posix_spawn_file_actions_addclosefrom_np(actions, end);
}

static int plan_fd(posix_spawn_file_actions_t *actions, struct wf_spawn_fd fd)
{
    if (fd.source == -1) {
        return posix_spawn_file_actions_addopen(actions, fd.target, "/dev/null", O_RDWR, 0);
    }
    return posix_spawn_file_actions_adddup2(
        actions, fd.source == WF_SPAWN_SAME_AS_STDOUT ? STDOUT_FILENO : fd.source, fd.target);
}

static int plan_actions(const struct wf_spawn *spawn, posix_spawn_file_actions_t *actions)
{
    int r = spawn->cwd >= 0 ? posix_spawn_file_actions_addfchdir_np(actions, spawn->cwd) : 0;

    for (size_t i = 0; i < spawn->n_fds && r == 0; i++) {
        r = plan_fd(actions, spawn->fds[i]);
    }
    return r != 0 ? r : plan_closing(spawn, actions);
}

static int plan_attributes(const struct wf_spawn *spawn, posix_spawnattr_t *attributes)
{
    short flags = POSIX_SPAWN_SETSIGMASK; /* our thread's mask is not the child's business */
    sigset_t none;
    sigset_t defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    if (!spawn->keeps_signals) {
        sigaddset(&defaults, SIGPIPE);
        sigaddset(&defaults, SIGXFSZ);
        flags |= POSIX_SPAWN_SETSIGDEF;
    }
    if (spawn->has_session) {
        flags |= POSIX_SPAWN_SETSID;
    } else if (spawn->has_group) {
        flags |= POSIX_SPAWN_SETPGROUP; /* its number is 0: a group of its own */
    }
    int r = posix_spawnattr_setflags(attributes, flags);
    r = r != 0 ? r : posix_spawnattr_setsigmask(attributes, &none);
    return r != 0 ? r : posix_spawnattr_setsigdefault(attributes, &defaults);
}

/* A positive system code. */
static int try_program(const struct wf_spawn *spawn, const char *path, const struct plan *plan,
                       pid_t *out_pid)
{
    return posix_spawn(out_pid, path, &plan->actions, &plan->attributes, spawn->argv, spawn->env);
}

static const char *path_of(char *const *env)
{
    for (size_t i = 0; env[i] != NULL; i++) {
        if (strncmp(env[i], "PATH=", 5) == 0) {
            return env[i] + 5;
        }
    }
    return default_path;
}

/*
 * Look for the program in the folders of the child's PATH; an empty one is the current folder.
 * The error is the first that says more than that it is not there.
 */
static int search_program(const struct wf_spawn *spawn, const struct plan *plan, pid_t *out_pid)
{
    const char *folder = path_of(spawn->env);
    int base = spawn->cwd >= 0 ? spawn->cwd : AT_FDCWD;
    int result = ENOENT;

    for (;;) {
        char path[PATH_MAX];
        int len = (int)strcspn(folder, ":");
        int n = snprintf(path, sizeof path, "%.*s%s%s", len, folder, len > 0 ? "/" : "./",
                         spawn->program);
        int r = n < 0 || (size_t)n >= sizeof path ? ENAMETOOLONG : 0;
        if (r == 0 && faccessat(base, path, F_OK, 0) < 0) {
            r = errno;
        }
        r = r != 0 ? r : try_program(spawn, path, plan, out_pid);
        if (r == 0) {
            return 0;
        }
        if (r != ENOENT && r != ENOTDIR && result == ENOENT) {
            result = r;
        }
        if (folder[len] == '\0') {
            return result;
        }
        folder += len + 1;
    }
}

/* The child runs: without a pidfd for it we cannot be its parent. */
static int take_charge(pid_t pid, struct wf_child *out_child)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0 && errno == ESRCH) {
        /* Somebody reaps all children: it has come and gone. */
        *out_child = (struct wf_child){ pid, -1 };
        return 0;
    }
    if (fd < 0) {
        int error = errno;
        (void)kill(pid, SIGKILL); /* ours: not reaped yet */
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return weft_fail(-error, "no descriptor for the child: %s", strerror(error));
    }
    *out_child = (struct wf_child){ pid, fd }; /* close-on-exec by itself */
    return 0;
}

static int run_plan(const struct wf_spawn *spawn, const struct plan *plan, pid_t *out_pid)
{
    return strchr(spawn->program, '/') != NULL ? try_program(spawn, spawn->program, plan, out_pid)
                                               : search_program(spawn, plan, out_pid);
}

int wf_spawn_run(struct wf_spawn *spawn, struct wf_child *out_child)
{
    struct plan plan;
    pid_t pid = 0;
    int r = posix_spawn_file_actions_init(&plan.actions);

    if (r != 0) {
        return -r;
    }
    r = posix_spawnattr_init(&plan.attributes);
    if (r == 0) {
        r = plan_actions(spawn, &plan.actions);
        r = r != 0 ? r : plan_attributes(spawn, &plan.attributes);
        r = r != 0 ? r : run_plan(spawn, &plan, &pid);
        (void)posix_spawnattr_destroy(&plan.attributes); /* both always 0 */
    }
    (void)posix_spawn_file_actions_destroy(&plan.actions);
    if (r != 0) {
        return weft_fail(r == ENOMEM ? WEFT_ENOMEM : -r, "%s: '%s'", strerror(r), spawn->program);
    }
    return take_charge(pid, out_child);
}

/* ---- the child ---------------------------------------------------------- */

int wf_child_signal(const struct wf_child *child, int signum, bool to_group)
{
    if (child->pidfd < 0) {
        return -ESRCH;
    }
    /* It was not reaped, so its number, which is also the group's, is still its own. */
    long r = to_group ? kill(-child->pid, signum)
                      : syscall(SYS_pidfd_send_signal, child->pidfd, signum, NULL, 0);
    return r < 0 ? -errno : 0;
}

static int returncode_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
}

bool wf_child_try_reap(const struct wf_child *child, int *out_returncode)
{
    siginfo_t info = { 0 };
    int r;

    if (child->pidfd < 0) {
        *out_returncode = WF_CHILD_LOST;
        return true;
    }
    do {
        r = waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
    } while (r < 0 && errno == EINTR);
    if (r == 0 && info.si_pid == 0) {
        return false;
    }
    *out_returncode = r == 0 ? returncode_of(&info) : WF_CHILD_LOST;
    return true;
}

void wf_child_close(struct wf_child *child)
{
    close_fd(&child->pidfd);
}

bool wf_child_wait(const struct wf_child *child, int limit_ms)
{
    struct pollfd death = { .fd = child->pidfd, .events = POLLIN };
    int r;

    do {
        r = poll(&death, 1, limit_ms);
    } while (r < 0 && errno == EINTR);
    return r > 0;
}

int wf_child_end(struct wf_child *child, bool has_group)
{
    int returncode = WF_CHILD_LOST;

    if (child->pidfd < 0) {
        return returncode;
    }
    (void)wf_child_signal(child, SIGKILL, has_group); /* it may be dead already */
    (void)wf_child_wait(child, END_LIMIT_MS);
    (void)wf_child_try_reap(child, &returncode); /* false: stuck in the kernel, init's after us */
    wf_child_close(child);
    return returncode;
}

const char *wf_signal_name(int signum, char *buffer, size_t size)
{
    const char *name = sigabbrev_np(signum);

    if (name != NULL) {
        (void)snprintf(buffer, size, "SIG%s", name);
    } else {
        (void)snprintf(buffer, size, "signal %d", signum);
    }
    return buffer;
}
