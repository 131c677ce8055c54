/*
 * probe-threads: Executors, threads and futures that cross.
 */
#include "support/scenario.h"

static weft_context_var *var;

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "job");
}

static int cancelled_job(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "by job");
}

static int value(void *arg)
{
    (void)arg;
    return return_text("value");
}

static const char *seen(void)
{
    weft_value held = weft_value_ptr("unset", NULL);

    weft_context_var_get(var, &held);
    return held.as.ptr;
}

static int look(void *arg)
{
    (void)arg;
    return return_text(seen());
}

static void set_var(const char *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr((void *)text, NULL), NULL));
}

static int set_in_job(void *arg)
{
    set_var("job");
    return look(arg);
}

static weft_future *in_executor(weft_executor *executor, weft_job_fn *fn, void *arg)
{
    weft_future *future = NULL;

    MUST(weft_loop_run_in_executor(NULL, executor, fn, arg, &future));
    return future;
}

static const char *text_of_job(weft_job_fn *fn)
{
    weft_value text;

    MUST(join(in_executor(NULL, fn, NULL), &text));
    return text_of(text);
}

static const char *text_of_thread(weft_job_fn *fn)
{
    weft_value text;

    MUST(weft_to_thread(fn, NULL, &text));
    return text_of(text);
}

/* ---- jobs ---- */

static int ends_of_jobs(void)
{
    weft_value one, two;
    weft_future *f = in_executor(NULL, fail, NULL);

    int r = join(f, NULL);
    trace("job %s", message(r));
    f = in_executor(NULL, value, NULL);
    trace("state %s %s", yes(weft_future_done(f)), yes(weft_future_cancelled(f)));
    WEFT_TRY(weft_await(f, &one));
    WEFT_TRY(weft_await(f, &two));
    trace("%s %s", text_of(one), text_of(two));
    weft_future_unref(f);
    f = in_executor(NULL, fail, NULL);
    wait_one(f);
    weft_future_unref(f);
    trace("-");
    r = weft_to_thread(cancelled_job, NULL, NULL);
    trace("%s %d", err(r), weft_task_cancelling(weft_current_task()));
    return 0;
}

static int contexts_of_jobs(void)
{
    set_var("task");
    const char *thread = text_of_thread(look);
    trace("%s %s", thread, text_of_job(look));
    thread = text_of_thread(set_in_job);
    trace("%s %s %s", thread, seen(), text_of_job(look));
    return 0;
}

static int thread_of(void *fn)
{
    return return_text(text_of_thread(*(weft_job_fn **)fn));
}

static int gather_threads(void)
{
    weft_job_fn *fns[] = { value, look };
    weft_awaitable *all[] = { weft_coro_create(thread_of, &fns[0]),
                              weft_coro_create(thread_of, &fns[1]) };
    weft_future *g;
    weft_value ends;

    WEFT_TRY(weft_gather(all, 2, 0, &g));
    WEFT_TRY(join(g, &ends));
    const weft_outcomes *list = ends.as.ptr;
    trace("%s %s", text_of(list->items[0].value), text_of(list->items[1].value));
    weft_value_clear(&ends);
    return 0;
}

struct caller {
    weft_loop *loop;
    weft_future *got;
};

static int set_called_back(void *future)
{
    set_text(future, "called back");
    return 0;
}

static int call_back(void *arg)
{
    const struct caller *c = arg;

    int r = weft_loop_call_soon_threadsafe(c->loop, set_called_back, c->got, NULL);
    trace("threadsafe %s", r == 0 ? "ok" : err(r));
    trace("running loop %s", weft_get_running_loop() == NULL ? "RuntimeError" : "ok");
    trace("current task %s", weft_current_task() == NULL ? "RuntimeError" : "ok");
    return 0;
}

static int calling_back(void)
{
    struct caller c = { weft_get_running_loop(), make_future() };
    weft_value text;

    WEFT_TRY(weft_to_thread(call_back, &c, NULL));
    WEFT_TRY(join(c.got, &text));
    trace("%s", text_of(text));
    return 0;
}

static int abandon(void *future)
{
    return weft_await(future, NULL);
}

static int busy_pool(void)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *ex;
    struct flag *gate = flag_create();

    options.max_threads = 1;
    MUST(weft_executor_create(&options, &ex));
    weft_future *busy = in_executor(ex, wait_for_flag, gate);
    weft_future *waiting = in_executor(ex, say, "never");
    int first = weft_future_cancel(waiting, NULL);
    trace("cancel %s %s", yes(first == 0), yes(weft_future_cancel(waiting, NULL) == 0));
    if (join(waiting, NULL) == WEFT_ECANCELED) {
        trace("waiting cancelled");
    }
    weft_task *t = spawn(abandon, busy);
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(t, "leave"));
    if (join(t, NULL) == WEFT_ECANCELED) {
        trace("left %s %s", cancel_message(), yes(weft_future_cancelled(busy)));
    }
    weft_future_unref(busy);
    flag_set(gate);
    weft_executor_shutdown_options shutdown = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    shutdown.wait = false;
    MUST(weft_executor_shutdown(ex, &shutdown));
    WEFT_TRY(turns(2));
    weft_future *none = NULL;
    int r = weft_loop_run_in_executor(NULL, ex, value, NULL, &none);
    trace("%s after shutdown", err(r));
    weft_executor_unref(ex);
    flag_destroy(gate);
    return 0;
}

static int jobs(void)
{
    WEFT_TRY(ends_of_jobs());
    WEFT_TRY(contexts_of_jobs());
    WEFT_TRY(gather_threads());
    WEFT_TRY(calling_back());
    return busy_pool();
}

/* ---- futures that cross ---- */

static int answer(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return return_text("answer");
}

static int failing(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "far");
}

static int never(void *arg)
{
    int r = weft_sleep(WEFT_S(60));
    (void)arg;

    if (r == WEFT_ECANCELED) {
        const char *text = weft_error_get_message(weft_current_error());
        trace("never cancelled%s%s", text[0] != '\0' ? " " : "", text);
    }
    return r;
}

static weft_concurrent_future *cross(weft_coro_fn *fn)
{
    weft_concurrent_future *c = NULL;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(fn, NULL), weft_get_running_loop(), &c));
    return c;
}

static weft_future *wrap(weft_concurrent_future *c)
{
    weft_future *w = NULL;

    MUST(weft_wrap_future(c, NULL, &w));
    return w;
}

static weft_concurrent_future *by_hand(void)
{
    weft_concurrent_future *c = NULL;

    MUST(weft_concurrent_future_create(&c));
    return c;
}

static void finish(weft_concurrent_future *c, const char *text)
{
    MUST(weft_concurrent_future_set_result(c, weft_value_ptr((void *)text, NULL)));
}

static const char *text_now(weft_concurrent_future *c)
{
    weft_value text = weft_value_none();
    int r = weft_concurrent_future_result(c, 0, &text);

    return r == 0 ? text_of(text) : err(r);
}

static int own_loop(void)
{
    weft_value text;
    weft_concurrent_future *c = cross(answer);

    trace("done %s", yes(weft_concurrent_future_done(c)));
    WEFT_TRY(join(wrap(c), &text));
    trace("%s %s", text_of(text), text_now(c));
    weft_concurrent_future_unref(c);
    c = cross(failing);
    int r = join(wrap(c), NULL);
    trace("%s %s", err(r), message(r));
    int code = 0;
    MUST(weft_concurrent_future_exception(c, 0, &code));
    trace("%s", err(code));
    weft_concurrent_future_unref(c);

    c = cross(never);
    weft_future *w = wrap(c);
    WEFT_TRY(turns(2));
    int running = weft_concurrent_future_running(c);
    trace("running %s cancel %s", yes(running), yes(weft_future_cancel(w, "w") == 0));
    if (join(w, NULL) == WEFT_ECANCELED) {
        trace("w cancelled %s", cancel_message());
    }
    trace("c %s", yes(weft_concurrent_future_cancelled(c)));
    weft_concurrent_future_unref(c);
    return turns(4);
}

static int finished_by_hand(void)
{
    weft_value text;
    weft_concurrent_future *c = by_hand();
    weft_future *w = wrap(c);

    MUST(weft_concurrent_future_set_running_or_notify_cancel(c));
    trace("cancel of a running one %s", yes(weft_concurrent_future_cancel(c) == 0));
    finish(c, "by hand");
    trace("w done %s", yes(weft_future_done(w)));
    WEFT_TRY(join(w, &text));
    trace("%s", text_of(text));
    weft_concurrent_future_unref(c);

    c = by_hand();
    w = wrap(c);
    finish(c, "too late");
    trace("cancel %s", yes(weft_future_cancel(w, NULL) == 0));
    WEFT_TRY(turns(2));
    trace("%s %s", yes(weft_future_cancelled(w)), text_now(c));
    weft_future_unref(w);
    trace("%s", err(weft_concurrent_future_set_result(c, weft_value_int(1))));
    trace("%s", err(weft_concurrent_future_set_exception(c, VALUE_ERROR, "x")));
    trace("cancel of finished %s", yes(weft_concurrent_future_cancel(c) == 0));
    weft_concurrent_future_unref(c);

    c = by_hand();
    int first = weft_concurrent_future_cancel(c), second = weft_concurrent_future_cancel(c);
    trace("cancel %s %s %s %s", yes(first == 0), yes(second == 0),
          yes(weft_concurrent_future_done(c)), yes(weft_concurrent_future_running(c)));
    int r = weft_concurrent_future_set_running_or_notify_cancel(c);
    trace("begin %s", r == WEFT_ECANCELED ? "False" : "True");
    weft_concurrent_future_unref(c);
    return 0;
}

static int limits(void)
{
    weft_value text;
    weft_concurrent_future *c = by_hand();
    weft_future *w = wrap(c), *s;

    int r = weft_wait_for(w, WEFT_MS(10), NULL);
    WEFT_TRY(turns(1));
    trace("%s %s", err(r), yes(weft_concurrent_future_cancelled(c)));
    weft_future_unref(w);
    weft_concurrent_future_unref(c);

    c = by_hand();
    w = wrap(c);
    MUST(weft_shield(w, &s));
    r = weft_wait_for(s, WEFT_MS(10), NULL);
    WEFT_TRY(turns(1));
    trace("%s %s %s", err(r), yes(weft_concurrent_future_cancelled(c)), yes(weft_future_done(w)));
    weft_future_unref(s);
    finish(c, "later");
    WEFT_TRY(join(w, &text));
    trace("%s", text_of(text));
    weft_concurrent_future_unref(c);
    return 0;
}

static int crossing(void)
{
    WEFT_TRY(own_loop());
    WEFT_TRY(finished_by_hand());
    return limits();
}

/* ---- from a thread ---- */

static int slow(void *ended)
{
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("slow cancelled");
        flag_set(ended);
    }
    return r;
}

static int rogue(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "rogue");
}

static int who(void *loop)
{
    return return_text(weft_current_task() != NULL && weft_get_running_loop() == loop ? "True"
                                                                                      : "False");
}

static int sleep_zero(void *arg)
{
    (void)arg;
    return weft_sleep(0);
}

static int nested(void *arg)
{
    static weft_job_fn *fn = value;
    weft_awaitable *all[] = { weft_coro_create(sleep_zero, NULL),
                              weft_coro_create(thread_of, &fn) };
    weft_future *g;
    weft_value ends;
    (void)arg;

    WEFT_TRY(weft_gather(all, 2, 0, &g));
    WEFT_TRY(join(g, &ends));
    const weft_outcomes *list = ends.as.ptr;
    weft_value second = list->items[1].value;
    weft_value_clear(&ends);
    return weft_return(second);
}

static void trace_from_thread(weft_loop *loop, weft_coro_fn *fn)
{
    weft_concurrent_future *c;
    weft_value text;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(fn, loop), loop, &c));
    MUST(weft_concurrent_future_result(c, WEFT_FOREVER, &text));
    trace("%s", text_of(text));
    weft_concurrent_future_unref(c);
}

static int tell_seen(void *done)
{
    trace("callback sees %s", seen());
    flag_set(done);
    return 0;
}

static int thread(void *loop)
{
    weft_concurrent_future *c;
    struct flag *ended = flag_create();

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(slow, ended), loop, &c));
    int r = weft_concurrent_future_result(c, WEFT_MS(10), NULL);
    trace("%s %s", err(r), yes(weft_concurrent_future_done(c)));
    r = weft_concurrent_future_cancel(c);
    int cancelled = weft_concurrent_future_cancelled(c);
    flag_wait(ended);
    trace("cancel %s %s", yes(r == 0), yes(cancelled));
    trace("%s", text_now(c));
    weft_concurrent_future_unref(c);
    flag_destroy(ended);
    MUST(weft_run_coroutine_threadsafe(weft_coro_create(rogue, NULL), loop, &c));
    trace("rogue %s", err(weft_concurrent_future_result(c, WEFT_FOREVER, NULL)));
    weft_concurrent_future_unref(c);
    trace_from_thread(loop, who);
    trace_from_thread(loop, nested);
    set_var("thread");
    trace_from_thread(loop, look);
    struct flag *done = flag_create();
    MUST(weft_loop_call_soon_threadsafe(loop, tell_seen, done, NULL));
    flag_wait(done);
    flag_destroy(done);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    watch_logs();
    var = weft_context_var_create("var");
    trace("== jobs");
    WEFT_TRY(jobs());
    trace("== crossing");
    WEFT_TRY(crossing());
    trace("== from_threads");
    WEFT_TRY(weft_to_thread(thread, weft_get_running_loop(), NULL));
    weft_context_var_unref(var);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
