#ifndef WEFT_PROCESS_H
#define WEFT_PROCESS_H

/*
 * process.h: programs that run beside this one.
 *
 * weft_create_subprocess_exec starts a program, and hands back a process: its
 * number, its exit, and streams for what of its input and output was asked to
 * be a pipe.
 *
 *     starting --> running --exit or signal--> exited
 *         `-- cannot be started: a code, no object
 *
 *     static int list(void *folder)
 *     {
 *         weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;
 *         weft_process *p;
 *         weft_bytes *text;
 *
 *         options.out.kind = WEFT_PROCESS_PIPE;
 *         options.cwd = folder;
 *         WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("ls", "-l"), &options, &p));
 *         int r = weft_process_communicate(p, NULL, 0, &text, NULL);
 *         ...
 *         weft_bytes_destroy(text);
 *         weft_process_destroy(p);
 *
 * Starting a process blocks, so a thread of its own does it; any loop on any
 * thread may have processes. Their ends are told by pidfds: SIGCHLD and its
 * handler are the program's own. In the child every descriptor is closed but the
 * ones that it is given; its mask of signals is empty, and SIGPIPE and SIGXFSZ
 * do what they do by default.
 *
 * A pipe holds 64 KiB: a process whose output nobody reads waits for a reader. Read it, or
 * let weft_process_communicate do it, before weft_process_wait.
 *
 * Read stream.h first.
 *
 * From: docs.python.org/3.11/library/asyncio-subprocess.html.
 */

#include "weft/base.h"
#include "weft/bytes.h"
#include "weft/error.h"
#include "weft/loop.h"
#include "weft/stream.h"

#include <limits.h>
#include <stdbool.h>

WEFT_BEGIN_DECLS

/** A program that was started. */
typedef struct weft_process weft_process;

/** What stands behind the child's standard input, output or error. */
enum weft_process_stdio_kind {
    WEFT_PROCESS_INHERIT = 0, /* ours */
    WEFT_PROCESS_PIPE = 1,    /* a stream of the process object */
    WEFT_PROCESS_DEVNULL = 2, /* /dev/null */
    WEFT_PROCESS_STDOUT = 3,  /* for error only: where its output goes */
    WEFT_PROCESS_FD = 4       /* a copy of <fd>, which stays the caller's */
};

/** The choice for one of the three. */
typedef struct weft_process_stdio {
    enum weft_process_stdio_kind kind;
    int fd; /* for WEFT_PROCESS_FD */
} weft_process_stdio;

/** One descriptor more: the child's <target> (3 to 1023) is a copy of our <source>. */
typedef struct weft_process_fd {
    int source;
    int target;
} weft_process_fd;

/** How to start a program. All zero means the defaults. */
typedef struct weft_process_options {
    size_t size;            /* set by WEFT_PROCESS_OPTIONS_INIT */
    weft_process_stdio in;  /* its standard input */
    weft_process_stdio out; /* its standard output */
    weft_process_stdio err; /* its standard error */
    const char *cwd;        /* the folder it runs in; NULL: ours */
    /* "NAME=value", ended by NULL; NULL: what we have. A program without a slash is looked for in
     * the PATH of these. */
    const char *const *env;
    bool start_new_session; /* setsid: a session and group of its own */
    bool new_process_group; /* a group of its own */
    bool kill_group;        /* signals go to the whole group; needs one of the two above */
    bool kill_on_cancel;    /* a cancel in wait or communicate kills it */
    bool keep_signals;      /* SIGPIPE and SIGXFSZ stay ignored when we ignore them */
    const weft_process_fd *fds;
    size_t n_fds;               /* at most 61 */
    weft_stream_options stream; /* of its pipes */
    size_t output_limit;        /* of communicate, bytes each for output and error; 0: none */
} weft_process_options;

#define WEFT_PROCESS_OPTIONS_INIT                                                                 \
    {                                                                                             \
        sizeof(weft_process_options), { WEFT_PROCESS_INHERIT, -1 }, { WEFT_PROCESS_INHERIT, -1 }, \
            { WEFT_PROCESS_INHERIT, -1 }, NULL, NULL, false, false, false, false, false, NULL, 0, \
            WEFT_STREAM_OPTIONS_INIT, 0                                                           \
    }

/** A list of arguments in place, ended by NULL: WEFT_ARGV("ls", "-l"). Not for C++. */
#define WEFT_ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/** What weft_process_get_returncode says while the process runs. */
#define WEFT_PROCESS_RUNNING INT_MIN

/* ---- starting ----------------------------------------------------------- */

/**
 * Run the program argv[0] with the arguments argv, ended by NULL, and wait until
 * it runs or could not be started. NULL options are the defaults.
 *
 * When the calling task is cancelled meanwhile, a child that was started all
 * the same is killed and reaped.
 *
 * Thread: loop thread, in a task.
 * Owns:   texts and descriptors are copied. The caller owns *out_process:
 *         weft_process_destroy.
 * Errors: system codes of what went wrong in the child: -ENOENT (no such program, or no such
 *         folder), -EACCES, -ENOEXEC, -E2BIG; -EMFILE, -EAGAIN; -EBADF; WEFT_EINVAL;
 *         WEFT_ENOMEM; WEFT_ECANCELED. On failure *out_process is untouched.
 * See:    weft_process_communicate, weft_process_wait.
 */
#define weft_create_subprocess_exec(argv, options, out_process) \
    weft_create_subprocess_exec_at(WEFT_ORIGIN(NULL), (argv), (options), (out_process))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_create_subprocess_exec_at(const weft_origin *origin, const char *const *argv,
                                            const weft_process_options *options,
                                            weft_process **out_process);

/** The same for a line that /bin/sh runs: quoting what comes from elsewhere is the caller's
 * duty. Thread: loop thread, in a task. Owns: as weft_create_subprocess_exec. */
#define weft_create_subprocess_shell(command, options, out_process) \
    weft_create_subprocess_shell_at(WEFT_ORIGIN(NULL), (command), (options), (out_process))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_create_subprocess_shell_at(const weft_origin *origin, const char *command,
                                             const weft_process_options *options,
                                             weft_process **out_process);

/* ---- its pipes ---------------------------------------------------------- */

/** To write its input; NULL when that is no pipe. weft_stream_close ends it. Thread: loop thread.
 * Owns: the process's; close it, never destroy it. */
WEFT_API weft_stream *weft_process_get_stdin(const weft_process *process);
/** To read its output; NULL when that is no pipe. Thread: loop thread. Owns: as get_stdin. */
WEFT_API weft_stream *weft_process_get_stdout(const weft_process *process);
/** To read its error output; NULL when that is no pipe. Thread: loop thread. Owns: as get_stdin. */
WEFT_API weft_stream *weft_process_get_stderr(const weft_process *process);

/**
 * Write <input> to its standard input and close that, read its output and
 * error output to their ends, and wait for its exit.
 *
 * A process that does not read all of its input is no error. A cancel loses
 * nothing that was read: the next communicate goes on, as after a wait_for
 * whose limit passed.
 *
 * Thread: loop thread, in a task.
 * Owns:   <input> (NULL: none, the pipe is left as it is) is copied. The caller owns
 *         *out_stdout and *out_stderr: weft_bytes_destroy; they are NULL for what is no pipe.
 *         Either place may be NULL: what came is thrown away.
 * Errors: WEFT_ELIMITOVERRUN past output_limit: its output pipes are closed, it goes on;
 *         WEFT_EINVAL for <input> without a pipe; WEFT_ECANCELED; WEFT_ERUNTIME when another
 *         task is inside; WEFT_ENOMEM; system codes of read. On failure both are untouched.
 * See:    weft_process_get_returncode.
 */
WEFT_API int weft_process_communicate(weft_process *process, const void *input, size_t size,
                                      weft_bytes **out_stdout, weft_bytes **out_stderr);

/* ---- its end ------------------------------------------------------------ */

/**
 * Wait until it has exited. Any number of tasks may; they are woken in the order of coming. A
 * cancel leaves the process alone, but with kill_on_cancel.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing. <out_returncode> may be NULL.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME outside a task. On failure *out_returncode is untouched.
 * See:    weft_process_get_returncode.
 */
WEFT_API int weft_process_wait(weft_process *process, int *out_returncode);

/**
 * Its exit status; the negative number of the signal that ended it; 255 when
 * somebody else in this program took its exit; WEFT_PROCESS_RUNNING before.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 */
WEFT_API int weft_process_get_returncode(const weft_process *process);

/** Its number; 0 for NULL. Thread: loop thread. Owns: nothing. */
WEFT_API int64_t weft_process_get_pid(const weft_process *process);

/**
 * Send it a signal; with kill_group, to all of its process group.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: -ESRCH when it has exited (Python's ProcessLookupError); WEFT_EINVAL for what is no
 *         signal; -EPERM when it runs as somebody else.
 */
WEFT_API int weft_process_send_signal(weft_process *process, int signum);
/** SIGTERM. Thread: loop thread. Owns: nothing. Errors: as weft_process_send_signal. */
WEFT_API int weft_process_terminate(weft_process *process);
/** SIGKILL. Thread: loop thread. Owns: nothing. Errors: as weft_process_send_signal. */
WEFT_API int weft_process_kill(weft_process *process);

/**
 * Release it: its pipes are closed. One that still runs goes on, and its exit is taken in the
 * background; if that has not come when the loop closes, it is reported as "unclosed transport"
 * and killed, as in asyncio.
 *
 * Thread: loop thread; no task may be inside a call on it or on its streams.
 * Owns:   consumes; NULL is a no-op.
 */
WEFT_API void weft_process_destroy(weft_process *process);

/* ---- callbacks ---------------------------------------------------------- */

/**
 * asyncio's SubprocessProtocol: what happens to a process, told in callbacks.
 *
 *     connection_made -> pipe_data_received, pipe_connection_lost, process_exited
 *                        in the order of events -> connection_lost
 *
 * Each may be NULL. All run on the loop's thread, each as a callback of its own; a negative
 * result is reported.
 */
typedef struct weft_subprocess_protocol {
    size_t size; /* sizeof(weft_subprocess_protocol) */
    int (*connection_made)(weft_process *process, void *data);
    /* <bytes> is borrowed for the call. <fd> is 1 or 2. */
    int (*pipe_data_received)(weft_process *process, int fd, const void *bytes, size_t size,
                              void *data);
    /* <code> is 0 at the end of a pipe. <fd> is 0, 1 or 2. */
    int (*pipe_connection_lost)(weft_process *process, int fd, int code, void *data);
    int (*process_exited)(weft_process *process, void *data);
    /* It has exited and all of its pipes are at their end. */
    int (*connection_lost)(weft_process *process, int code, void *data);
} weft_subprocess_protocol;

/**
 * Start a program whose life is told to <protocol>. The pipes of its output are read by the
 * loop, its input is written by weft_process_get_stdin. NULL options are asyncio's default here:
 * three pipes.
 *
 * Thread: loop thread, in a task.
 * Runs:   <protocol>'s callbacks, in later turns.
 * Owns:   as weft_create_subprocess_exec; <protocol> and <data> must live until connection_lost,
 *         or until the process is destroyed, after which nothing is called.
 * Errors: as weft_create_subprocess_exec.
 * See:    weft_process_close.
 */
#define weft_loop_subprocess_exec(loop, protocol, data, argv, options, out_process)                \
    weft_loop_subprocess_exec_at(WEFT_ORIGIN(NULL), (loop), (protocol), (data), (argv), (options), \
                                 (out_process))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_subprocess_exec_at(const weft_origin *origin, weft_loop *loop,
                                          const weft_subprocess_protocol *protocol, void *data,
                                          const char *const *argv,
                                          const weft_process_options *options,
                                          weft_process **out_process);

/** The same for a line that /bin/sh runs. Thread: loop thread, in a task. Owns: as
 * weft_loop_subprocess_exec. */
#define weft_loop_subprocess_shell(loop, protocol, data, command, options, out_process)     \
    weft_loop_subprocess_shell_at(WEFT_ORIGIN(NULL), (loop), (protocol), (data), (command), \
                                  (options), (out_process))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_loop_subprocess_shell_at(const weft_origin *origin, weft_loop *loop,
                                           const weft_subprocess_protocol *protocol, void *data,
                                           const char *command, const weft_process_options *options,
                                           weft_process **out_process);

/**
 * Close its pipes, and kill it if it still runs: the transport's close. Its exit is still
 * waited for and told.
 *
 * Thread: loop thread.
 * Owns:   nothing; destroy it afterwards.
 * Errors: WEFT_EWRONGTHREAD. Closing twice is harmless.
 */
WEFT_API int weft_process_close(weft_process *process);
/** Whether close was called. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_process_is_closing(const weft_process *process);

WEFT_END_DECLS

#endif
