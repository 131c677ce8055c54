/*
 * All input in, all output out: one task for each pipe, so that neither side
 * waits for the other, and then the exit.
 *
 * What was read stands in the process object. A cancel ends the tasks and keeps it,
 * so that the next communicate goes on where this one was; only a communicate that
 * comes to its end hands it out.
 *
 * Invariant: a pump's task has ended when communicate returns.
 *
 * Thread: the loop's.
 */

#include "io/process.h"

#include "base/alloc.h"
#include "weft/group.h"

#include <string.h>

enum {
    LEAST_CAPACITY = 4096
};

/* ---- what was read ------------------------------------------------------ */

static int collect(struct wf_collected *collected, const char *data, size_t n)
{
    size_t used = collected->bytes != NULL ? collected->bytes->size : 0;

    if (collected->bytes == NULL || used + n > collected->capacity) {
        size_t capacity = collected->capacity * 2;
        capacity = capacity < used + n ? used + n : capacity;
        capacity = capacity < LEAST_CAPACITY ? LEAST_CAPACITY : capacity;
        weft_bytes *grown = wf_realloc(collected->bytes, sizeof *grown + capacity + 1);
        if (grown == NULL) {
            return WEFT_ENOMEM;
        }
        grown->data = (char *)(grown + 1);
        grown->size = used;
        collected->bytes = grown;
        collected->capacity = capacity;
    }
    memcpy(collected->bytes->data + used, data, n);
    collected->bytes->size = used + n;
    collected->bytes->data[used + n] = '\0';
    return 0;
}

/* ---- the pumps ---------------------------------------------------------- */

/* Read to the end. A stream that its user has closed is at its end. */
static int pump_out(void *arg)
{
    struct wf_pump *pump = arg;
    weft_process *process = pump->process;
    struct wf_collected *collected = &process->collected[pump->fd];
    weft_stream *stream = process->streams[pump->fd];
    char *data = NULL;
    size_t n = 0;

    for (;;) {
        int code = weft_stream_read_view(stream, &data, &n);
        if (code == WEFT_ECLOSED || (code == 0 && n == 0)) {
            (void)weft_stream_close(stream); /* the thread is ours */
            return 0;
        }
        if (code < 0) {
            return code;
        }
        size_t used = collected->bytes != NULL ? collected->bytes->size : 0;
        if (process->output_limit != 0 && n > process->output_limit - used) {
            return weft_fail(WEFT_ELIMITOVERRUN, "more than %zu bytes of %s", process->output_limit,
                             pump->fd == 1 ? "output" : "error output");
        }
        code = collect(collected, data, n);
        if (code < 0) {
            (void)weft_stream_unread(stream, n); /* or it is lost: there is no memory */
            return code;
        }
    }
}

/* Wait until the input is written, and close it. That the child does not want it is no error. */
static int pump_in(void *arg)
{
    struct wf_pump *pump = arg;
    weft_stream *stream = pump->process->streams[0];
    int code = weft_stream_drain(stream);

    if (code == WEFT_ECANCELED || code == WEFT_ENOMEM) {
        return code;
    }
    (void)weft_stream_close(stream); /* what is queued still goes out; the thread is ours */
    return 0;
}

static int start_pump(weft_process *process, int fd)
{
    struct wf_pump *pump = &process->pumps[fd];
    static const weft_origin origins[] = { { __func__, __FILE__, __LINE__, "pump_in" },
                                           { __func__, __FILE__, __LINE__, "pump_out" } };
    const weft_origin *origin = &origins[fd != 0];

    if (process->streams[fd] == NULL) {
        return 0;
    }
    pump->process = process;
    pump->fd = fd;
    weft_coro *coro = weft_coro_create_at(origin, fd == 0 ? pump_in : pump_out, pump, NULL);
    return weft_loop_create_task_at(origin, process->loop, coro, NULL, &pump->task);
}

/* ---- all of it ---------------------------------------------------------- */

static size_t list_pumps(weft_process *process, weft_future **out_tasks)
{
    size_t n = 0;

    for (int fd = 0; fd < 3; fd++) {
        if (process->pumps[fd].task != NULL) {
            out_tasks[n++] = process->pumps[fd].task;
        }
    }
    return n;
}

/*
 * What the pumps came to: the code of one that failed, which becomes the current error; else
 * WEFT_ECANCELED when somebody cancelled one; else 0.
 */
static int find_failure(weft_future *const *tasks, size_t n)
{
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        int code = weft_future_done(tasks[i]) ? weft_future_result(tasks[i], NULL) : 0;
        if (code < 0 && code != WEFT_ECANCELED) {
            return code;
        }
        found = code < 0 ? code : found;
    }
    return found;
}

/* Every pump ends, however often we are cancelled meanwhile. */
static void stop_pumps(weft_future *const *tasks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)weft_future_cancel(tasks[i], NULL); /* or it is done */
    }
    while (weft_wait(tasks, n, WEFT_FOREVER, WEFT_ALL_COMPLETED) == WEFT_ECANCELED) {
    }
}

static int run_pumps(weft_process *process)
{
    weft_future *tasks[3];
    int code = 0;

    for (int fd = 0; fd < 3 && code == 0; fd++) {
        code = start_pump(process, fd);
    }
    size_t n = list_pumps(process, tasks);
    if (code == 0 && n > 0) {
        code = weft_wait(tasks, n, WEFT_FOREVER, WEFT_FIRST_EXCEPTION);
        code = code > 0 ? find_failure(tasks, n) : code;
    }
    const weft_error *error = code < 0 ? weft_error_ref(weft_current_error()) : NULL;
    if (code < 0 && n > 0) {
        stop_pumps(tasks, n);
        (void)find_failure(tasks, n); /* so that it counts as retrieved */
    }
    for (int fd = 0; fd < 3; fd++) {
        process->pumps[fd].task = weft_future_unref(process->pumps[fd].task); /* NULL */
    }
    if (error != NULL) {
        (void)weft_raise(error); /* the code is returned */
        (void)weft_error_unref(error);
    }
    return code;
}

/* Nobody reads on: what the child writes from now on is refused. */
static void close_outputs(weft_process *process)
{
    for (int fd = 1; fd < 3; fd++) {
        if (process->streams[fd] != NULL) {
            (void)weft_stream_close(process->streams[fd]); /* the thread is ours */
        }
    }
}

/* The bytes of one pipe; some of no bytes when there is a pipe and nothing came. */
static int prepare_output(weft_process *process, int fd)
{
    struct wf_collected *collected = &process->collected[fd];

    return process->streams[fd] == NULL || collected->bytes != NULL ? 0 : collect(collected, "", 0);
}

static void hand_out(weft_process *process, int fd, weft_bytes **out_bytes)
{
    struct wf_collected *collected = &process->collected[fd];

    if (out_bytes != NULL) {
        *out_bytes = collected->bytes;
    } else {
        weft_bytes_destroy(collected->bytes);
    }
    *collected = (struct wf_collected){ NULL, 0 };
}

static int communicate(weft_process *process, const void *input, size_t size)
{
    int code = 0;

    if (input != NULL) {
        code = weft_stream_write(process->streams[0], input, size);
        code = code == WEFT_ENOMEM ? code : 0; /* a child that reads no more is no error */
    }
    code = code < 0 ? code : run_pumps(process);
    code = code < 0 ? code : weft_process_wait(process, NULL);
    code = code < 0 ? code : prepare_output(process, 1);
    return code < 0 ? code : prepare_output(process, 2);
}

int weft_process_communicate(weft_process *process, const void *input, size_t size,
                             weft_bytes **out_stdout, weft_bytes **out_stderr)
{
    int code = wf_process_check_task(process, "weft_process_communicate");

    if (code < 0) {
        return code;
    }
    if (input == NULL && size > 0) {
        return weft_fail(WEFT_EINVAL, "%zu bytes of input at NULL", size);
    }
    if (input != NULL && process->streams[0] == NULL) {
        return weft_fail(WEFT_EINVAL, "input for a process whose standard input is no pipe");
    }
    if (process->is_communicating) {
        return weft_fail(WEFT_ERUNTIME, "weft_process_communicate() called while another "
                                        "coroutine is inside");
    }
    process->is_communicating = true;
    code = communicate(process, input, size);
    process->is_communicating = false;
    if (code == WEFT_ECANCELED && process->kill_on_cancel) {
        wf_process_kill_now(process);
    }
    if (code == WEFT_ELIMITOVERRUN) {
        close_outputs(process);
    }
    if (code == 0) {
        hand_out(process, 1, out_stdout);
        hand_out(process, 2, out_stderr);
    }
    return code;
}
