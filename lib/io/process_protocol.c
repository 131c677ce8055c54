/*
 * The life of a process told in callbacks: asyncio's SubprocessProtocol.
 *
 * Each event is work of the loop, queued when it happens and run in a later turn,
 * in the order of happening: connection_made first, connection_lost last, once the
 * process has exited and all of its pipes are at their ends. The events that must not
 * be lost stand in the object; those with data carry it.
 *
 * Output pipes are plain descriptors here, read by readers of the loop. Input is a
 * stream, which tells by its observer that the child has closed it, or we have.
 *
 * Invariant: an event is in `queued` exactly while its work is queued, so that
 * wf_process_mute can take all of them back.
 *
 * Thread: the loop's.
 */

#include "io/process.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 65536
};

enum event_kind {
    EVENT_MADE,
    EVENT_DATA,
    EVENT_PIPE_LOST,
    EVENT_EXITED,
    EVENT_LOST
};

struct event {
    struct wf_work work;
    struct wf_list link; /* in events->queued */
    weft_process *process;
    enum event_kind kind;
    int fd;
    int code;
    size_t size;
    char data[];
};

/* The same without data, to stand in an object. */
struct plain_event {
    struct wf_work work;
    struct wf_list link;
    weft_process *process;
    enum event_kind kind;
    int fd;
    int code;
    size_t size;
};

struct pipe_end {
    weft_process *process;
    int fd;        /* of the child: 0, 1 or 2 */
    int raw;       /* owned: ours, of an output pipe; -1 */
    bool is_there; /* there was a pipe, and its end was not told yet */
    struct plain_event lost;
};

struct wf_process_events {
    weft_subprocess_protocol protocol;
    void *data;
    struct wf_list queued; /* of event.link */
    struct pipe_end ends[3];
    struct plain_event made;
    struct plain_event exited;
    struct plain_event lost;
    struct wf_work input_work; /* the input hung up, or was closed */
    bool is_finished;          /* connection_lost is queued, or was */
};

/* ---- events ------------------------------------------------------------- */

static int call(void *data)
{
    const struct event *event = data;
    weft_process *process = event->process;
    const weft_subprocess_protocol *protocol = &process->events->protocol;
    void *user = process->events->data;

    switch (event->kind) {
    case EVENT_MADE:
        return protocol->connection_made != NULL ? protocol->connection_made(process, user) : 0;
    case EVENT_DATA:
        return protocol->pipe_data_received != NULL
                   ? protocol->pipe_data_received(process, event->fd, event->data, event->size,
                                                  user)
                   : 0;
    case EVENT_PIPE_LOST:
        return protocol->pipe_connection_lost != NULL
                   ? protocol->pipe_connection_lost(process, event->fd, event->code, user)
                   : 0;
    case EVENT_EXITED:
        return protocol->process_exited != NULL ? protocol->process_exited(process, user) : 0;
    case EVENT_LOST:
        return protocol->connection_lost != NULL
                   ? protocol->connection_lost(process, event->code, user)
                   : 0;
    }
    return 0;
}

/* In a turn. The callback may destroy the process, and a plain event with it. */
static void run_event(struct wf_work *work)
{
    struct event *event = WF_CONTAINER_OF(work, struct event, work);
    struct event *own = event->kind == EVENT_DATA ? event : NULL;

    wf_list_remove(&event->link);
    wf_loop_run_callback(event->process->loop, event->process->origin, call, event);
    wf_free(own);
}

static void describe_event(const struct wf_work *work, struct wf_work_info *info)
{
    const struct event *event = WF_CONTAINER_OF(work, struct event, work);

    wf_work_info_set(info, "Handle", event->process->origin);
}

/* Nothing to drop: the process owns its events. */
static const struct wf_work_kind event_kind = { run_event, NULL, describe_event,
                                                "event of a process", 0 };

static void queue(struct event *event)
{
    weft_process *process = event->process;

    wf_work_init(&event->work, run_event);
    wf_list_append(&process->events->queued, &event->link);
    wf_loop_run_soon(process->loop, &event->work);
}

static void queue_plain(struct plain_event *plain, weft_process *process, enum event_kind kind,
                        int fd, int code)
{
    _Static_assert(offsetof(struct plain_event, size) == offsetof(struct event, size),
                   "a plain event is an event without data");
    *plain = (struct plain_event){ .process = process, .kind = kind, .fd = fd, .code = code };
    queue((struct event *)(void *)plain);
}

static void maybe_finish(weft_process *process)
{
    struct wf_process_events *events = process->events;

    if (process->state != WF_PROCESS_EXITED || events->is_finished || events->ends[0].is_there ||
        events->ends[1].is_there || events->ends[2].is_there) {
        return;
    }
    events->is_finished = true;
    queue_plain(&events->lost, process, EVENT_LOST, -1, 0);
}

static void lose_pipe(struct pipe_end *end, int code)
{
    end->is_there = false;
    queue_plain(&end->lost, end->process, EVENT_PIPE_LOST, end->fd, code);
    maybe_finish(end->process);
}

void wf_process_tell_exit(weft_process *process)
{
    if (process->events != NULL && !process->is_released) {
        queue_plain(&process->events->exited, process, EVENT_EXITED, -1, 0);
        maybe_finish(process);
    }
}

/* ---- output ------------------------------------------------------------- */

static void close_raw(weft_loop *loop, struct pipe_end *end)
{
    if (end->raw >= 0) {
        (void)weft_loop_remove_reader(loop, end->raw); /* or the loop is closed */
        (void)close(end->raw);                         /* nothing was written to it */
        end->raw = -1;
    }
}

static void end_output(struct pipe_end *end, int code)
{
    close_raw(end->process->loop, end);
    lose_pipe(end, code);
}

/* The pipe is readable: in a turn. */
static int on_readable(void *data)
{
    struct pipe_end *end = data;
    struct event *event = wf_alloc(sizeof *event + READ_SIZE);
    ssize_t n;

    if (event == NULL) {
        end_output(end, WEFT_ENOMEM);
        return 0;
    }
    do {
        n = read(end->raw, event->data, READ_SIZE);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        int code = n < 0 ? -errno : 0;
        wf_free(event);
        if (code != -EAGAIN) {
            end_output(end, code);
        }
        return 0;
    }
    struct event *shrunk = wf_realloc(event, sizeof *event + (size_t)n);
    event = shrunk != NULL ? shrunk : event;
    event->process = end->process;
    event->kind = EVENT_DATA;
    event->fd = end->fd;
    event->code = 0;
    event->size = (size_t)n;
    queue(event);
    return 0;
}

/* ---- input -------------------------------------------------------------- */

/* The input hung up, or was closed: in a turn. */
static void on_input(struct wf_work *work)
{
    struct wf_process_events *events = WF_CONTAINER_OF(work, struct wf_process_events, input_work);
    struct pipe_end *end = &events->ends[0];
    weft_stream *stream = end->process->streams[0];

    if (!end->is_there || (stream->state != WF_STREAM_CLOSED && !stream->is_hung_up)) {
        return;
    }
    int code = 0;
    if (stream->state == WF_STREAM_CLOSED) {
        code = stream->writer.code;
    } else {
        code = stream->outbox.size > 0 ? -EPIPE : 0; /* what is lost by it; else nobody minds */
        (void)weft_stream_abort(stream);             /* the thread is ours */
    }
    lose_pipe(end, code);
}

/* ---- making and unmaking ------------------------------------------------ */

void wf_process_close_raw(weft_process *process)
{
    for (int fd = 1; fd < 3 && process->events != NULL; fd++) {
        struct pipe_end *end = &process->events->ends[fd];
        if (end->is_there) {
            end_output(end, 0);
        }
    }
}

void wf_process_mute(weft_process *process)
{
    struct wf_process_events *events = process->events;

    if (events == NULL) {
        return;
    }
    for (struct wf_list *link; (link = wf_list_take_first(&events->queued)) != NULL;) {
        struct event *event = WF_CONTAINER_OF(link, struct event, link);
        wf_loop_take_back(&event->work);
        if (event->kind == EVENT_DATA) {
            wf_free(event);
        }
    }
    for (int fd = 0; fd < 3; fd++) {
        close_raw(process->loop, &events->ends[fd]);
        events->ends[fd].is_there = false;
    }
    wf_loop_take_back(&events->input_work);
    if (process->streams[0] != NULL) {
        process->streams[0]->observer = NULL;
    }
    events->is_finished = true;
}

void wf_process_take_raw(struct wf_process_events *events, int fd, int raw)
{
    events->ends[fd].raw = raw;
}

static struct wf_process_events *make_events(const weft_subprocess_protocol *protocol, void *data)
{
    struct wf_process_events *events = wf_new(struct wf_process_events);

    if (events == NULL) {
        return NULL;
    }
    memcpy(&events->protocol, protocol,
           protocol->size < sizeof *protocol ? protocol->size : sizeof *protocol);
    events->data = data;
    wf_list_init(&events->queued);
    wf_work_init(&events->input_work, on_input);
    for (int fd = 0; fd < 3; fd++) {
        events->ends[fd].fd = fd;
        events->ends[fd].raw = -1;
    }
    return events;
}

/* Read the pipes from now on. On failure all is closed with the process. */
static int connect_pipes(weft_process *process)
{
    struct wf_process_events *events = process->events;
    int code = 0;

    for (int fd = 0; fd < 3; fd++) {
        struct pipe_end *end = &events->ends[fd];
        end->process = process;
        end->is_there = end->raw >= 0;
        if (end->is_there && code == 0) {
            code =
                weft_loop_add_reader_at(process->origin, process->loop, end->raw, on_readable, end);
        }
    }
    weft_stream *input = process->streams[0];
    if (code == 0 && input != NULL) {
        events->ends[0].is_there = true;
        input->observer = &events->input_work;
        if (input->is_hung_up) { /* before anybody looked */
            wf_loop_run_soon(process->loop, &events->input_work);
        }
    }
    return code;
}

/* It runs: tell that first, and let it be heard before the caller goes on. */
static int begin(weft_process *process)
{
    queue_plain(&process->events->made, process, EVENT_MADE, -1, 0);
    process->is_beginning = true;
    int code = connect_pipes(process);
    code = code < 0 ? code : wf_task_yield();
    process->is_beginning = false;
    return code;
}

int weft_loop_subprocess_exec_at(const weft_origin *origin, weft_loop *loop,
                                 const weft_subprocess_protocol *protocol, void *data,
                                 const char *const *argv, const weft_process_options *options,
                                 weft_process **out_process)
{
    weft_process_options pipes = WEFT_PROCESS_OPTIONS_INIT;
    struct wf_process_plan plan = { .events = NULL };
    weft_process *process;
    int code = wf_loop_resolve(&loop);

    pipes.in.kind = WEFT_PROCESS_PIPE;
    pipes.out.kind = WEFT_PROCESS_PIPE;
    pipes.err.kind = WEFT_PROCESS_PIPE;
    if (code < 0 ||
        (code = wf_process_read_options(options != NULL ? options : &pipes, &plan)) < 0) {
        return code;
    }
    if (wf_task_current != NULL && wf_task_current->future.loop != loop) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "a process for another loop's task");
    }
    if (protocol == NULL || protocol->size < sizeof protocol->size || out_process == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "a process in callbacks needs a protocol and a place");
    }
    plan.events = make_events(protocol, data);
    if (plan.events == NULL) {
        return WEFT_ENOMEM;
    }
    wf_loop_know_work(loop, &event_kind);
    code = wf_process_start(origin, &plan, argv, &process);
    if (code < 0) {
        return code;
    }
    code = begin(process);
    if (code < 0) {
        wf_process_kill_now(process);
        wf_process_release(process); /* its exit is taken in the background */
        return code;
    }
    *out_process = process;
    return 0;
}

int weft_loop_subprocess_shell_at(const weft_origin *origin, weft_loop *loop,
                                  const weft_subprocess_protocol *protocol, void *data,
                                  const char *command, const weft_process_options *options,
                                  weft_process **out_process)
{
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };

    if (command == NULL) {
        return weft_fail(WEFT_EINVAL, "no command for the shell");
    }
    return weft_loop_subprocess_exec_at(origin, loop, protocol, data, argv, options, out_process);
}
