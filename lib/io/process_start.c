/*
 * Starting a process: options are checked, pipes made and everything the child
 * needs is copied here, on the loop's thread; then one job of the loop's starter,
 * an executor of one thread, blocks until the program runs or could not be started.
 *
 * The job owns what it needs (struct birth). When nobody waits for it any more
 * it runs to its end, and its outcome cleans up: a child that nobody will have is
 * killed and reaped. If the outcome was there already when the cancel came, the
 * child becomes a process without an owner, is killed, and its exit is taken by the loop.
 *
 * So nothing can fail for want of memory once the child runs.
 *
 * Thread: the loop's, in a task; run_birth and destroy_birth wherever the job ends.
 */

#include "io/process.h"

#include "base/alloc.h"
#include "base/log.h"
#include "weft/bridge.h"
#include "weft/executor.h"
#include "weft/result.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_EXTRA = 3,
    MAX_EXTRA = WF_SPAWN_MAX_FDS - FIRST_EXTRA
};

struct birth {
    struct wf_spawn spawn;
    struct wf_child child;
    bool kill_group;
};

/* ---- the job ------------------------------------------------------------ */

static void destroy_birth(void *data)
{
    struct birth *birth = data;

    (void)wf_child_end(&birth->child, birth->kill_group); /* what it came to is not asked */
    wf_spawn_fini(&birth->spawn);
    wf_free(birth);
}

/* On the starter's thread. */
static int run_birth(void *data)
{
    struct birth *birth = data;
    int code = wf_spawn_run(&birth->spawn, &birth->child);

    wf_spawn_fini(&birth->spawn); /* its ends of the pipes are the child's alone now */
    if (code < 0) {
        destroy_birth(birth);
        return code;
    }
    return weft_return_ptr(birth, destroy_birth);
}

static int get_starter(struct wf_io *io)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    if (io->starter != NULL) {
        return 0;
    }
    options.name = "weft-start";
    options.max_threads = 1;
    return weft_executor_create_at(NULL, &options, &io->starter);
}

/* ---- options ------------------------------------------------------------ */

static int refuse(const char *why)
{
    return weft_fail(WEFT_EINVAL, "%s", why);
}

static int check_stdio(const weft_process_stdio *stdio, bool is_error)
{
    if (stdio->kind < WEFT_PROCESS_INHERIT || stdio->kind > WEFT_PROCESS_FD) {
        return refuse("standard input, output or error of an unknown kind");
    }
    if (stdio->kind == WEFT_PROCESS_STDOUT && !is_error) {
        return refuse("STDOUT can only be used for stderr");
    }
    return stdio->kind == WEFT_PROCESS_FD && stdio->fd < 0 ? refuse("a negative descriptor") : 0;
}

static int check_extra(const weft_process_options *options)
{
    bool is_used[WF_SPAWN_MAX_TARGET + 1] = { false };

    if (options->n_fds > MAX_EXTRA || (options->n_fds > 0 && options->fds == NULL)) {
        return refuse("too many descriptors for the child, or none where some were announced");
    }
    for (size_t i = 0; i < options->n_fds; i++) {
        weft_process_fd fd = options->fds[i];
        if (fd.source < 0 || fd.target < FIRST_EXTRA || fd.target > WF_SPAWN_MAX_TARGET) {
            return refuse("a descriptor for the child is out of range");
        }
        if (is_used[fd.target]) {
            return refuse("two descriptors for one number of the child");
        }
        is_used[fd.target] = true;
    }
    return 0;
}

int wf_process_read_options(const weft_process_options *options, struct wf_process_plan *plan)
{
    weft_process_options read = WEFT_PROCESS_OPTIONS_INIT;
    int code;

    if (options != NULL) {
        if (options->size < sizeof options->size) {
            return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "process options without a size");
        }
        memcpy(&read, options, options->size < sizeof read ? options->size : sizeof read);
    }
    if ((code = check_stdio(&read.in, /* is_error = */ false)) < 0 ||
        (code = check_stdio(&read.out, /* is_error = */ false)) < 0 ||
        (code = check_stdio(&read.err, /* is_error = */ true)) < 0 ||
        (code = check_extra(&read)) < 0 ||
        (code = wf_stream_read_options(read.stream.size != 0 ? &read.stream : NULL,
                                       &plan->stream)) < 0) {
        return code;
    }
    if (read.kill_group && !read.start_new_session && !read.new_process_group) {
        return refuse("kill_group needs a process group of the child's own");
    }
    plan->options = read;
    return 0;
}

/* ---- descriptors -------------------------------------------------------- */

/* One end for the child, the other a stream of the process. */
static int make_pipe(weft_process *process, struct wf_process_plan *plan, struct wf_spawn *spawn,
                     int target, int floor)
{
    bool is_reader = target != 0; /* we are */
    int ends[2];

    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return weft_fail(-errno, "no pipe: %s", strerror(errno));
    }
    int ours = ends[is_reader ? 0 : 1];
    int theirs = ends[is_reader ? 1 : 0];
    int code = wf_spawn_add_fd(spawn, theirs, target, floor);
    (void)close(theirs); /* the copy is theirs */
    if (code == 0 && fcntl(ours, F_SETFL, O_NONBLOCK) < 0) {
        code = -errno;
    }
    if (code == 0 && is_reader && plan->events != NULL) {
        wf_process_take_raw(plan->events, target, ours);
        return 0;
    }
    if (code == 0) {
        code = wf_stream_create_pipe(process->io, ours, is_reader, &plan->stream, process->origin,
                                     &process->streams[target]);
    }
    if (code < 0) {
        (void)close(ours); /* nothing was written to it */
    }
    return code;
}

static int set_stdio(weft_process *process, struct wf_process_plan *plan, struct wf_spawn *spawn,
                     weft_process_stdio stdio, int target, int floor)
{
    switch (stdio.kind) {
    case WEFT_PROCESS_PIPE:
        return make_pipe(process, plan, spawn, target, floor);
    case WEFT_PROCESS_FD:
        return wf_spawn_add_fd(spawn, stdio.fd, target, floor);
    case WEFT_PROCESS_DEVNULL:
        wf_spawn_add_special(spawn, -1, target);
        return 0;
    case WEFT_PROCESS_STDOUT:
        wf_spawn_add_special(spawn, WF_SPAWN_SAME_AS_STDOUT, target);
        return 0;
    case WEFT_PROCESS_INHERIT:
        return 0;
    }
    return 0;
}

/* In the order of the child's numbers: error after the output that it may follow. */
static int set_descriptors(weft_process *process, struct wf_process_plan *plan,
                           struct wf_spawn *spawn)
{
    const weft_process_options *options = &plan->options;
    int floor = FIRST_EXTRA;
    int code;

    for (size_t i = 0; i < options->n_fds; i++) {
        floor = options->fds[i].target >= floor ? options->fds[i].target + 1 : floor;
    }
    if ((code = set_stdio(process, plan, spawn, options->in, 0, floor)) < 0 ||
        (code = set_stdio(process, plan, spawn, options->out, 1, floor)) < 0 ||
        (code = set_stdio(process, plan, spawn, options->err, 2, floor)) < 0) {
        return code;
    }
    for (size_t i = 0; i < options->n_fds && code == 0; i++) {
        code = wf_spawn_add_fd(spawn, options->fds[i].source, options->fds[i].target, floor);
    }
    return code;
}

static int make_birth(weft_process *process, struct wf_process_plan *plan, const char *const *argv,
                      struct birth **out_birth)
{
    const weft_process_options *options = &plan->options;
    struct birth *birth = wf_new(struct birth);

    if (birth == NULL) {
        return WEFT_ENOMEM;
    }
    wf_spawn_init(&birth->spawn);
    birth->child = WF_CHILD_INIT;
    birth->kill_group = options->kill_group;
    birth->spawn.has_session = options->start_new_session;
    birth->spawn.has_group = options->new_process_group;
    birth->spawn.keeps_signals = options->keep_signals;
    int code = wf_spawn_set_program(&birth->spawn, argv, options->env);
    if (code == 0 && options->cwd != NULL) {
        code = wf_spawn_set_cwd(&birth->spawn, options->cwd);
    }
    if (code == 0) {
        code = set_descriptors(process, plan, &birth->spawn);
    }
    if (code < 0) {
        destroy_birth(birth);
        return code;
    }
    *out_birth = birth;
    return 0;
}

/* ---- starting ----------------------------------------------------------- */

/* Wait for the job. The child that a cancel made nobody's is taken charge of. */
static int await_birth(weft_process *process)
{
    weft_value value;
    int code = weft_await(process->starting, &value);
    bool is_unwanted = code < 0;

    if (is_unwanted &&
        (!weft_future_done(process->starting) || weft_future_cancelled(process->starting) ||
         weft_future_result(process->starting, &value) < 0)) {
        return code; /* there is no child, or the job will see to it */
    }
    struct birth *birth = value.as.ptr;
    int adopted = wf_process_adopt(process, &birth->child);
    weft_value_clear(&value);
    if (is_unwanted) {
        wf_process_kill_now(process);
    }
    return is_unwanted ? code : adopted;
}

static int start(const weft_origin *origin, weft_process *process, struct wf_process_plan *plan,
                 const char *const *argv)
{
    struct birth *birth = NULL;
    int code = make_birth(process, plan, argv, &birth);

    if (code == 0) {
        code = weft_loop_run_in_executor_at(origin, process->loop, process->io->starter, run_birth,
                                            birth, destroy_birth, &process->starting);
    }
    if (code == 0) {
        code = await_birth(process);
        process->starting = weft_future_unref(process->starting); /* NULL */
    }
    return code;
}

static int check_argv(const char *const *argv)
{
    if (argv == NULL || argv[0] == NULL || argv[0][0] == '\0') {
        return refuse("no program to start");
    }
    return 0;
}

/* All that can be refused before there is anything to undo. */
static int create(const weft_origin *origin, const char *const *argv, weft_process **out_process)
{
    struct wf_task *task;
    struct wf_io *io;
    int code = check_argv(argv);

    if (code < 0 || (code = wf_task_require("weft_create_subprocess", &task)) < 0 ||
        (code = wf_io_get(task->future.loop, &io)) < 0 || (code = get_starter(io)) < 0) {
        return code;
    }
    *out_process = wf_process_create(io, origin);
    return *out_process != NULL ? 0 : WEFT_ENOMEM;
}

int wf_process_start(const weft_origin *origin, struct wf_process_plan *plan,
                     const char *const *argv, weft_process **out_process)
{
    weft_process *process = NULL;
    int code = out_process != NULL
                   ? create(origin, argv, &process)
                   : wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "no place for the process");

    if (code < 0) {
        wf_free(plan->events);
        return code;
    }
    process->events = plan->events;
    process->kill_group = plan->options.kill_group;
    process->kill_on_cancel = plan->options.kill_on_cancel;
    process->output_limit = plan->options.output_limit;
    code = start(origin, process, plan, argv);
    if (code < 0) {
        const weft_error *error = weft_error_ref(weft_current_error());
        wf_process_release(process); /* unless it still runs, it goes */
        if (error != NULL) {
            (void)weft_raise(error); /* the code is returned */
            (void)weft_error_unref(error);
        }
        return code;
    }
    process->is_released = false; /* the caller's from now on */
    *out_process = process;
    return 0;
}

int weft_create_subprocess_exec_at(const weft_origin *origin, const char *const *argv,
                                   const weft_process_options *options, weft_process **out_process)
{
    struct wf_process_plan plan = { 0 };
    int code = wf_process_read_options(options, &plan);

    return code < 0 ? code : wf_process_start(origin, &plan, argv, out_process);
}

int weft_create_subprocess_shell_at(const weft_origin *origin, const char *command,
                                    const weft_process_options *options, weft_process **out_process)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };

    if (command == NULL) {
        return refuse("no command for the shell");
    }
    return weft_create_subprocess_exec_at(origin, argv, options, out_process);
}
