/*
 * probe-reports: What is reported: to whom, with which keys, and what is not.
 */
#include "support/scenario.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

/* ---- the handler ---- */

static const char *about(const weft_report *report)
{
    if (report->kind == WEFT_REPORT_CALLBACK_EXCEPTION) {
        return "handle";
    }
    if (report->source == NULL) {
        return "nothing";
    }
    return "future";
}

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)data;
    trace("HANDLER %.*s %s %s", (int)strcspn(context->message, "("), context->message,
          context->code == 0 ? "none" : err(context->code), about(context));
    return 0;
}

static int worse(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)context;
    (void)data;
    trace("worse");
    return weft_fail(OS_ERROR, "worse");
}

static int once(weft_loop *loop, const weft_report *context, void *data)
{
    (void)data;
    trace("once");
    MUST(weft_loop_set_exception_handler(loop, NULL, NULL));
    weft_loop_default_exception_handler(loop, context);
    return 0;
}

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "x");
}

static int bad(void *unused)
{
    (void)unused;
    return weft_fail(KEY_ERROR, "k");
}

static int bad_done(weft_future *future, void *unused)
{
    (void)future;
    return bad(unused);
}

static int ok(void *arg)
{
    (void)arg;
    return 0;
}

static int c(void *unused)
{
    (void)unused;
    return WEFT_ECANCELED;
}

static int failures(weft_loop *loop)
{
    MUST(weft_loop_set_exception_handler(loop, handler, NULL));
    weft_task *t = spawn(fail, NULL);
    WEFT_TRY(turns(2));
    weft_future_unref(t);
    weft_future *f = make_future();
    MUST(weft_future_set_exception(f, VALUE_ERROR, "y"));
    weft_future_unref(f);
    MUST(weft_loop_call_soon(loop, bad, NULL, NULL));
    WEFT_TRY(turns(1));
    MUST(weft_loop_call_later(loop, 0, bad, NULL, NULL));
    WEFT_TRY(turns(2));
    f = make_future();
    MUST(weft_future_add_done_callback_at(WEFT_ORIGIN("bad"), f, bad_done, NULL));
    MUST(weft_future_cancel(f, NULL));
    WEFT_TRY(turns(2));
    weft_future_unref(f);
    return 0;
}

static int keys(void)
{
    weft_loop *loop = weft_get_running_loop();
    weft_report report = WEFT_REPORT_INIT;

    WEFT_TRY(failures(loop));
    report.message = "by hand";
    weft_loop_call_exception_handler(loop, &report);
    report.code = OS_ERROR;
    weft_loop_call_exception_handler(loop, &report);
    trace("handler is set %s", yes(weft_loop_get_exception_handler(loop) == handler));
    weft_task *t = spawn(ok, NULL);
    MUST(weft_future_add_done_callback_at(WEFT_ORIGIN("bad"), t, bad_done, NULL));
    WEFT_TRY(turns(3));
    weft_future_unref(t);
    MUST(weft_loop_call_soon(loop, c, NULL, NULL));
    WEFT_TRY(turns(1));

    MUST(weft_loop_set_exception_handler(loop, worse, NULL));
    MUST(weft_loop_call_soon(loop, bad, NULL, NULL));
    WEFT_TRY(turns(1));
    MUST(weft_loop_set_exception_handler(loop, once, NULL));
    MUST(weft_loop_call_soon(loop, bad, NULL, NULL));
    MUST(weft_loop_call_soon(loop, bad, NULL, NULL));
    WEFT_TRY(turns(1));
    trace("reset %s", yes(weft_loop_get_exception_handler(loop) == NULL));
    return 0;
}

/* ---- never awaited ---- */

static int co(void *arg)
{
    (void)arg;
    trace("runs");
    return 0;
}

static int maker(void *arg)
{
    weft_coro *forgotten = weft_coro_create(co, NULL);
    (void)arg;

    return forgotten == NULL ? WEFT_ENOMEM : 0;
}

static int never_awaited(void)
{
    weft_coro_close(weft_coro_create(co, NULL));
    trace("- closed");
    weft_coro_destroy(weft_coro_create(co, NULL));
    trace("- dropped");
    WEFT_TRY(join(spawn(maker, NULL), NULL));
    trace("- maker ended");
    return 0;
}

/* ---- debug ---- */

static int slow_callback(void *unused)
{
    (void)unused;
    return weft_testing_advance(weft_get_running_loop(), WEFT_MS(80));
}

static int slow_done(weft_future *future, void *unused)
{
    (void)future;
    return slow_callback(unused);
}

static int fine(void *unused)
{
    (void)unused;
    return weft_testing_advance(weft_get_running_loop(), WEFT_MS(1));
}

static int quick(void *unused)
{
    (void)unused;
    return 0;
}

static int slow_step(void *arg)
{
    slow_callback(arg);
    WEFT_TRY(weft_sleep(0));
    return slow_callback(arg);
}

static int debugging(void)
{
    weft_loop *loop = weft_get_running_loop();

    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_FULL));
    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_MS(50)));
    trace("debug %s", yes(weft_loop_get_debug(loop) == WEFT_DEBUG_FULL));
    MUST(weft_loop_call_soon(loop, slow_callback, NULL, NULL));
    MUST(weft_loop_call_soon(loop, fine, NULL, NULL));
    MUST(weft_loop_call_later(loop, 0, slow_callback, NULL, NULL));
    WEFT_TRY(turns(2));
    WEFT_TRY(join(spawn_named(slow_step, NULL, "slowpoke"), NULL));
    weft_future *f = make_future();
    MUST(weft_future_add_done_callback_at(WEFT_ORIGIN("slow_callback"), f, slow_done, NULL));
    MUST(weft_future_set_result(f, weft_value_int(1)));
    WEFT_TRY(turns(2));
    weft_future_unref(f);
    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_S(10)));
    MUST(weft_loop_call_soon(loop, slow_callback, NULL, NULL));
    WEFT_TRY(turns(1));
    MUST(weft_loop_set_slow_callback_duration(loop, 0));
    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_OFF));
    MUST(weft_loop_call_soon(loop, quick, NULL, NULL));
    WEFT_TRY(turns(1));
    trace("quiet");
    return 0;
}

/* ---- signals ---- */

static int bad_signal(void *unused)
{
    (void)unused;
    return weft_fail(VALUE_ERROR, "in a signal");
}

static int got(void *number)
{
    trace("signal %s", (const char *)number);
    return 0;
}

static int raise_it(int signum)
{
    MUST(kill(getpid(), signum));
    return weft_sleep(WEFT_MS(20));
}

static int child(void *arg)
{
    int r = weft_sleep(WEFT_S(60));
    (void)arg;

    if (r == WEFT_ECANCELED) {
        trace("child %s", cancel_message());
    }
    return r;
}

static int cancel_once(void *task)
{
    const char *current = weft_current_task() == NULL ? "None" : "a task";
    int removed = weft_loop_remove_signal_handler(NULL, SIGTERM);

    trace("once %s %s", current, removed == 1 ? "True" : "False");
    return weft_task_cancel(task, "SIGTERM");
}

static weft_context_var *var;

static int tell_context(void *unused)
{
    weft_value value;
    (void)unused;

    WEFT_TRY(weft_context_var_get(var, &value));
    trace("context %s", text_of(value));
    return 0;
}

static int arriving(weft_loop *loop)
{
    MUST(weft_loop_add_signal_handler(loop, SIGUSR1, got, "1"));
    WEFT_TRY(raise_it(SIGUSR1));
    MUST(weft_loop_add_signal_handler(loop, SIGUSR1, got, "2"));
    WEFT_TRY(raise_it(SIGUSR1));
    MUST(weft_loop_add_signal_handler_at(WEFT_ORIGIN("bad"), loop, SIGUSR1, bad_signal, NULL));
    WEFT_TRY(raise_it(SIGUSR1));
    int first = weft_loop_remove_signal_handler(loop, SIGUSR1);
    int second = weft_loop_remove_signal_handler(loop, SIGUSR1);
    trace("%s %s", first ? "True" : "False", second ? "True" : "False");
    return 0;
}

static int signals(void *arg)
{
    static const int refused[] = { SIGKILL, SIGSTOP, 0, -1, 1000 };
    weft_loop *loop = weft_get_running_loop();
    (void)arg;

    trace("== signals");
    WEFT_TRY(arriving(loop));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int r = weft_loop_add_signal_handler(loop, refused[i], got, "3");
        trace("%s", r == 0 ? "ok" : err(r));
    }
    trace("%s", err(weft_loop_remove_signal_handler(loop, 0)));
    trace("%s", err(weft_loop_remove_signal_handler(loop, 1000)));

    weft_task *t = spawn(child, NULL);
    MUST(weft_loop_add_signal_handler(loop, SIGTERM, cancel_once, t));
    WEFT_TRY(turns(1));
    MUST(kill(getpid(), SIGTERM));
    wait_one(t);
    weft_future_unref(t);

    var = weft_context_var_create("v");
    MUST(weft_context_var_set(var, weft_value_ptr("at adding", NULL), NULL));
    MUST(weft_loop_add_signal_handler(loop, SIGUSR2, tell_context, NULL));
    MUST(weft_context_var_set(var, weft_value_ptr("later", NULL), NULL));
    WEFT_TRY(raise_it(SIGUSR2));
    weft_context_var_unref(var);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_task_set_name(weft_current_task(), "main"));
    watch_logs();
    trace("== keys");
    WEFT_TRY(keys());
    trace("== never_awaited");
    WEFT_TRY(never_awaited());
    trace("== debugging");
    return debugging();
}

int main(void)
{
    return scenario_main(story) == 0 ? scenario_main_real(signals) : 1;
}
