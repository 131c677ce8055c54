/*
 * child.c: the only file that knows processes.
 *
 * fork and exec by hand: the supervisor has one thread, so the child may call
 * what it likes between the two, and a spawn helper could not lay out descriptors
 * as we want them:
 *
 *     0 /dev/null   1, 2 ours   3 heritage   4 channel   5 config   6 board   7... sockets
 *
 * close_range() closes all above, also what a library opened without O_CLOEXEC.
 * All of ours are moved out of the way first, since a target number may be the
 * source of another.
 *
 * Deaths are seen through a pidfd, which cannot name somebody else, however late
 * we look, and needs no SIGCHLD. The channel is read to its end before the death
 * is told, so that last words come before it.
 *
 * Thread: the loop's.
 */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/loop.h>

enum {
    HERITAGE_FD = 3,
    CHANNEL_FD = 4,
    CONFIG_FD = 5,
    BOARD_FD = CHILD_BOARD_FD,
    MAX_INHERITED = HERITAGE_MAX_FDS + 8,
    PACKETS_PER_TURN = 64,
    EXEC_FAILED = 127
};

extern char **environ;

struct child {
    pid_t pid;
    int pidfd;
    int channel; /* -1 once it is silent */
    bool is_watched;
    uint64_t n_dropped;
    child_packet_fn *on_packet;
    child_dump_fn *on_dump;
    child_silent_fn *on_silent;
    child_exit_fn *on_exit;
    void *data;
};

/* What the new process needs, made before the fork. sources[i] becomes descriptor 3 + i. */
struct launch {
    const char *program;
    int sources[MAX_INHERITED];
    size_t n_sources;
    int null;
    char **environment; /* owned; the texts are ours */
    pid_t parent;
};

/* ----------------------------------------------------------------------- in the new process */

__attribute__((noreturn)) static void die(const char *step)
{
    dprintf(STDERR_FILENO, "weftd: cannot start the worker: %s: %s\n", step, strerror(errno));
    _exit(EXEC_FAILED);
}

static void lay_out_descriptors(struct launch *launch)
{
    int first_free = 3 + (int)launch->n_sources;

    for (size_t i = 0; i < launch->n_sources; i++) {
        launch->sources[i] = fcntl(launch->sources[i], F_DUPFD_CLOEXEC, first_free);
        if (launch->sources[i] < 0) {
            die("dup");
        }
    }
    if (dup2(launch->null, STDIN_FILENO) < 0) {
        die("dup2");
    }
    for (size_t i = 0; i < launch->n_sources; i++) {
        if (dup2(launch->sources[i], 3 + (int)i) < 0) { /* the copy stays open over exec */
            die("dup2");
        }
    }
    if (close_range((unsigned)first_free, ~0U, 0) != 0) {
        die("close_range");
    }
}

/* A terminal's Ctrl-C and hang-up are for the supervisor, who tells its workers. */
static void reset_signals(void)
{
    sigset_t none;

    for (int signum = 1; signum < NSIG; signum++) {
        (void)signal(signum, SIG_DFL); /* fails for SIGKILL and those of libc */
    }
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void become_worker(struct launch *launch)
{
    char number[16];
    char *arguments[] = { "weft-worker", "--heritage", number, NULL };

    snprintf(number, sizeof number, "%d", HERITAGE_FD);
    reset_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        die("prctl");
    }
    if (getppid() != launch->parent) { /* it died before we could ask to be told */
        _exit(EXEC_FAILED);
    }
    lay_out_descriptors(launch);
    execve(launch->program, arguments, launch->environment);
    die(launch->program);
}

/* -------------------------------------------------------------------------------- before it */

static bool is_for_workers(const char *variable)
{
    static const char *const ours[] = {
        "LD_",           "LISTEN_PID=",    "LISTEN_FDS=", "LISTEN_FDNAMES=", "NOTIFY_SOCKET=",
        "WATCHDOG_PID=", "WATCHDOG_USEC=", "MAINPID="
    };

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strncmp(variable, ours[i], strlen(ours[i])) == 0) {
            return false;
        }
    }
    return true;
}

static char **clean_environment(void)
{
    size_t n = 0;
    char **clean;

    while (environ[n] != NULL) {
        n++;
    }
    clean = calloc(n + 1, sizeof *clean);
    if (clean == NULL) {
        return NULL;
    }
    n = 0;
    for (char **variable = environ; *variable != NULL; variable++) {
        if (is_for_workers(*variable)) {
            clean[n++] = *variable;
        }
    }
    return clean;
}

static int list_sockets(const struct child_options *options, struct launch *launch)
{
    for (size_t i = 0; i < options->n_listeners; i++) {
        for (size_t k = 0; k < options->listeners[i].n_fds; k++) {
            if (launch->n_sources == MAX_INHERITED) {
                return -E2BIG;
            }
            launch->sources[launch->n_sources++] = options->listeners[i].fds[k];
        }
    }
    return 0;
}

/* The heritage names descriptors as the worker will have them: in the order of list_sockets. */
static int write_heritage(const struct child_options *options, int *out_fd)
{
    struct heritage heritage = {
        .generation = options->generation,
        .supervisor = getpid(),
        .channel = CHANNEL_FD,
        .config = CONFIG_FD,
        .board = options->board > 0 ? BOARD_FD : -1,
        .slot = options->board > 0 ? options->slot : -1,
        .n_listeners = options->n_listeners,
    };
    int *numbers = calloc(MAX_INHERITED, sizeof *numbers);
    int first_socket = options->board > 0 ? BOARD_FD + 1 : BOARD_FD;
    size_t n = 0;
    int rc = -ENOMEM;

    heritage.listeners = calloc(options->n_listeners + 1, sizeof *heritage.listeners);
    if (heritage.listeners != NULL && numbers != NULL) {
        for (size_t i = 0; i < options->n_listeners; i++) {
            heritage.listeners[i] = options->listeners[i];
            heritage.listeners[i].fds = numbers + n;
            for (size_t k = 0; k < options->listeners[i].n_fds; k++, n++) {
                numbers[n] = first_socket + (int)n;
            }
        }
        rc = heritage_write(&heritage, out_fd);
    }
    free(heritage.listeners);
    free(numbers);
    return rc;
}

/* ------------------------------------------------------------------------------- its events */

static void fall_silent(struct child *child)
{
    if (child->channel >= 0) {
        (void)weft_loop_remove_reader(NULL, child->channel);
        close(child->channel);
        child->channel = -1;
    }
}

static void deliver(struct child *child, const struct channel_packet *packet, int attached)
{
    if (packet->kind == CHANNEL_DUMPED && child->on_dump != NULL) {
        child->on_dump(packet, attached, child->data);
        return;
    }
    if (attached >= 0) {
        close(attached); /* nobody asked for it */
    }
    child->on_packet(packet, child->data);
}

/* Packets that are there, at most <limit>. The receiver of a packet may not destroy the child. */
static void read_packets(struct child *child, int limit)
{
    while (child->channel >= 0 && limit-- > 0) {
        struct channel_packet packet;
        int attached = -1;
        int rc = channel_receive_with(child->channel, &packet, &attached);

        if (rc == 0) {
            deliver(child, &packet, attached);
        } else if (rc == -EPROTO) {
            child->n_dropped++;
        } else if (rc == -EAGAIN) {
            return;
        } else {
            fall_silent(child);
        }
    }
}

/* The channel can be read. On the loop, until the other side closes it. */
static int on_channel(void *data)
{
    struct child *child = data;

    read_packets(child, PACKETS_PER_TURN);
    if (child->channel < 0) {
        child->on_silent(child->data);
    }
    return 0;
}

static void describe_death(const siginfo_t *info, char *out, size_t size)
{
    const char *name = sigabbrev_np(info->si_status);

    switch (info->si_code) {
    case CLD_EXITED:
        snprintf(out, size, "exited with status %d", info->si_status);
        break;
    case CLD_DUMPED:
        snprintf(out, size, "crashed with SIG%s and left a core", name != NULL ? name : "?");
        break;
    default:
        snprintf(out, size, "was killed by SIG%s", name != NULL ? name : "?");
        break;
    }
}

/* The process has died. On the loop, once. */
static int on_death(void *data)
{
    struct child *child = data;
    siginfo_t info = { 0 };
    char how[64];

    if (waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) != 0) {
        /* Somebody else reaped it, as when SIGCHLD is ignored; it is dead all the same. */
        snprintf(how, sizeof how, "died unseen (%s)", strerror(errno));
    } else if (info.si_pid == 0) {
        return 0;
    } else {
        describe_death(&info, how, sizeof how);
    }
    (void)weft_loop_remove_reader(NULL, child->pidfd);
    child->is_watched = false;
    read_packets(child, INT_MAX);
    fall_silent(child);
    child->on_exit(how, child->data);
    return 0;
}

static int watch(struct child *child, const char **out_step)
{
    int rc;

    *out_step = "pidfd_open";
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0) {
        return -errno;
    }
    *out_step = "watch";
    rc = weft_loop_add_reader(NULL, child->pidfd, on_death, child);
    if (rc >= 0) {
        child->is_watched = true;
        rc = weft_loop_add_reader(NULL, child->channel, on_channel, child);
    }
    return rc < 0 ? rc : 0;
}

/* ---------------------------------------------------------------------------------- public */

/* Everything that can fail before there is a process. */
static int prepare_launch(const struct child_options *options, struct child *child,
                          struct launch *launch, const char **out_step)
{
    int heritage = -1;
    int channel = -1;
    int rc;

    *out_step = options->program;
    if (access(options->program, X_OK) != 0) {
        return -errno;
    }
    launch->program = options->program;
    launch->parent = getpid();
    *out_step = "/dev/null";
    launch->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (launch->null < 0) {
        return -errno;
    }
    *out_step = "environment";
    launch->environment = clean_environment();
    if (launch->environment == NULL) {
        return -ENOMEM;
    }
    *out_step = "heritage";
    rc = write_heritage(options, &heritage);
    if (rc != 0) {
        return rc;
    }
    launch->sources[launch->n_sources++] = heritage;
    *out_step = "channel";
    rc = channel_pair(&child->channel, &channel);
    if (rc != 0) {
        return rc;
    }
    launch->sources[launch->n_sources++] = channel;
    launch->sources[launch->n_sources++] = options->config;
    if (options->board > 0) {
        launch->sources[launch->n_sources++] = options->board;
    }
    *out_step = "sockets";
    return list_sockets(options, launch);
}

/* The parent keeps neither its end of the heritage nor the worker's of the channel. */
static void finish_launch(struct launch *launch)
{
    for (size_t i = 0; i < launch->n_sources && i < 2; i++) {
        close(launch->sources[i]);
    }
    if (launch->null >= 0) {
        close(launch->null);
    }
    free(launch->environment);
}

int child_spawn(const struct child_options *options, struct child **out_child, char *why,
                size_t why_size)
{
    struct launch launch = { .null = -1 };
    struct child *child = calloc(1, sizeof *child);
    const char *step = "memory";
    int rc;

    if (child == NULL) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    *child = (struct child){
        .pidfd = -1,
        .channel = -1,
        .on_packet = options->on_packet,
        .on_dump = options->on_dump,
        .on_silent = options->on_silent,
        .on_exit = options->on_exit,
        .data = options->data,
    };
    rc = prepare_launch(options, child, &launch, &step);
    if (rc == 0) {
        step = "fork";
        child->pid = fork();
        if (child->pid == 0) {
            become_worker(&launch);
        }
        rc = child->pid < 0 ? -errno : watch(child, &step);
    }
    finish_launch(&launch);
    if (rc != 0) {
        snprintf(why, why_size, "%s: %s", step, rc > -4096 ? strerror(-rc) : weft_strerror(rc));
        if (child->pid > 0) { /* born, and we cannot watch it */
            kill(child->pid, SIGKILL);
            waitpid(child->pid, NULL, 0);
        }
        child_destroy(child);
        return rc;
    }
    *out_child = child;
    return 0;
}

int child_send(struct child *child, enum channel_kind kind, int64_t number)
{
    struct channel_packet packet;

    if (child->channel < 0) {
        return -EPIPE;
    }
    memset(&packet, 0, sizeof packet);
    packet.kind = (uint16_t)kind;
    packet.number = number;
    return channel_send(child->channel, &packet);
}

int child_ask_dump(struct child *child, int64_t number, uint64_t id, unsigned flags)
{
    struct channel_packet packet;

    if (child->channel < 0) {
        return -EPIPE;
    }
    memset(&packet, 0, sizeof packet);
    packet.kind = CHANNEL_DUMP;
    packet.number = number;
    packet.id = id;
    packet.flags = flags;
    return channel_send(child->channel, &packet);
}

void child_kill(struct child *child)
{
    /* It fails only for one that is dead, and then on_exit is on its way. */
    (void)pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
}

void child_abort(struct child *child)
{
    (void)pidfd_send_signal(child->pidfd, SIGABRT, NULL, 0); /* as above */
}

int child_ping(struct child *child, int64_t number)
{
    struct channel_packet packet;

    if (child->channel < 0) {
        return -EPIPE;
    }
    memset(&packet, 0, sizeof packet);
    packet.kind = CHANNEL_PING;
    packet.number = number;
    packet.flags = 1;
    return channel_send(child->channel, &packet);
}

bool child_is_stopped(const struct child *child)
{
    char path[64];
    char text[256];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)child->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && name_end[1] == ' ' && (name_end[2] == 'T' || name_end[2] == 't');
}

int child_get_pid(const struct child *child)
{
    return child->pid;
}

uint64_t child_get_n_dropped(const struct child *child)
{
    return child->n_dropped;
}

void child_destroy(struct child *child)
{
    if (child == NULL) {
        return;
    }
    fall_silent(child);
    if (child->is_watched) {
        (void)weft_loop_remove_reader(NULL, child->pidfd);
    }
    if (child->pidfd >= 0) {
        close(child->pidfd);
    }
    free(child);
}
