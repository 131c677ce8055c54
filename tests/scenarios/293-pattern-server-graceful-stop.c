/*
 * 293-pattern-server-graceful-stop: Stop accepting, let the request in flight finish, then
 * close.
 */
#include "support/scenario.h"

struct story {
    int n_active;
    weft_task *task;
    weft_event *started;
    weft_event *release;
};

static int serve(weft_stream *stream, void *data)
{
    struct story *story = data;
    char *line;
    size_t n;

    story->n_active += 1;
    story->task = weft_future_ref(weft_current_task());
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    MUST(weft_event_set(story->started));
    WEFT_TRY(weft_event_wait(story->release));
    weft_buffer answer[] = { { "done ", 5 }, { line, n } };
    WEFT_TRY(weft_stream_writev(stream, answer, 2));
    WEFT_TRY(weft_stream_close(stream));
    trace("request finished");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct story story = { .started = make_event(), .release = make_event() };
    weft_server *server = serve_on_loopback(serve, &story);
    weft_stream *stream = connect_to(server);

    write_text(stream, "work\n");
    WEFT_TRY(weft_event_wait(story.started));
    MUST(weft_server_close(server));
    trace("no longer serving, in flight %d", story.n_active);
    MUST(weft_event_set(story.release));
    wait_one(story.task);
    weft_future_unref(story.task);
    WEFT_TRY(trace_rest("client got", stream));
    WEFT_TRY(end_stream(stream));
    WEFT_TRY(end_server(server));
    WEFT_TRY(weft_event_destroy(story.started));
    return weft_event_destroy(story.release);
}

int main(void)
{
    return scenario_main_real(story);
}
