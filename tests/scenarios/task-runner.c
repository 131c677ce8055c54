/*
 * task-runner: The runner: its runs, its context, its end.
 */
#include "support/scenario.h"

static weft_context_var *var;

static const char *truth(int condition)
{
    return condition ? "True" : "False";
}

static int value_of(void *text)
{
    WEFT_TRY(weft_sleep(0));
    return return_text(text);
}

static int fails(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "in a run");
}

static int set_var(void *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr(text, NULL), NULL));
    return value_of(text);
}

static int get_var(void *arg)
{
    weft_value value;
    (void)arg;

    WEFT_TRY(weft_context_var_get(var, &value));
    return weft_return(value);
}

static int leftover(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    if (r == WEFT_ECANCELED) {
        trace("%s cancelled", (const char *)name);
        WEFT_TRY(weft_sleep(0));
        trace("%s cleaned up", (const char *)name);
    }
    return r;
}

static int leave(void *name)
{
    WEFT_TRY(weft_create_task(weft_coro_create(leftover, name), NULL));
    WEFT_TRY(weft_sleep(0));
    return weft_return_int(weft_all_tasks(NULL, NULL, 0));
}

static int nested(void *runner)
{
    int r = weft_runner_run(runner, weft_coro_create(value_of, "1"), NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    return return_text("outer goes on");
}

static int cancels_itself(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), NULL));
    return weft_sleep(0);
}

static weft_runner *make_runner(int debug)
{
    static const weft_loop_options loop = { .size = sizeof loop, .virtual_clock = 1 };
    weft_runner_options options = WEFT_RUNNER_OPTIONS_INIT;

    options.loop = &loop;
    options.debug = debug;
    return MUST_HAVE(weft_runner_create(&options));
}

/* The text that a run comes to. */
#define text_of_run(runner, fn, arg) run_text((runner), weft_coro_create((fn), (arg)), NULL)

static const char *run_text(weft_runner *runner, weft_coro *coro, weft_context *context)
{
    weft_value value;

    MUST(weft_runner_run_with(runner, coro, context, &value));
    return text_of(value);
}

static void runs(weft_runner *runner)
{
    weft_loop *loop = weft_runner_get_loop(runner);

    trace("running %s closed %s", truth(weft_loop_is_running(loop)),
          truth(weft_loop_is_closed(loop)));
    trace("%s", text_of_run(runner, value_of, "first"));
    int r = weft_runner_run(runner, weft_coro_create(fails, NULL), NULL);
    trace("%s %s", err(r), message(r));
    r = weft_runner_run(runner, weft_coro_create(cancels_itself, NULL), NULL);
    trace("%s", err(r));
    trace("%s", text_of_run(runner, nested, runner));
    trace("same loop %s", truth(weft_runner_get_loop(runner) == loop));
}

static void contexts(weft_runner *runner)
{
    weft_context *own = MUST_HAVE(weft_context_create());
    weft_value outside;

    const char *first = text_of_run(runner, set_var, "by a run");
    const char *second = text_of_run(runner, get_var, NULL);
    MUST(weft_context_var_get(var, &outside));
    trace("%s %s %s", first, second, text_of(outside));
    trace("%s", run_text(runner, weft_coro_create(get_var, NULL), own));
    weft_context_unref(own);
}

static void leftovers(weft_runner *runner)
{
    weft_loop *loop = weft_loop_ref(weft_runner_get_loop(runner));
    weft_value value;

    MUST(weft_runner_run(runner, weft_coro_create(leave, "a"), &value));
    trace("tasks %d", (int)value.as.num);
    trace("%s", text_of_run(runner, value_of, "between"));
    MUST(weft_runner_close(runner));
    trace("closed %s", truth(weft_loop_is_closed(loop)));
    MUST(weft_runner_close(runner));
    int r = weft_runner_run(runner, weft_coro_create(value_of, "1"), NULL);
    if (r < 0) {
        trace("%s", err(r));
    }
    if (weft_runner_get_loop(runner) == NULL) {
        trace("%s", err(weft_error_get_code(weft_current_error())));
    }
    weft_loop_unref(loop);
}

static void others(void)
{
    weft_runner *runner = make_runner(1);

    MUST(weft_runner_close(runner));
    const char *text = text_of_run(runner, value_of, "still usable");
    trace("%s %s", text,
          truth(weft_loop_get_debug(weft_runner_get_loop(runner)) == WEFT_DEBUG_FULL));
    weft_runner_destroy(runner);

    weft_runner *one = make_runner(0);
    weft_runner *two = make_runner(0);
    const char *first = text_of_run(one, value_of, "1");
    const char *second = text_of_run(two, value_of, "2");
    const char *third = text_of_run(one, value_of, "3");
    trace("%s %s %s %s", first, second, third,
          truth(weft_runner_get_loop(one) == weft_runner_get_loop(two)));
    weft_runner_destroy(one);
    trace("%s", text_of_run(two, value_of, "4"));
    weft_runner_destroy(two);
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create_with("var", weft_value_ptr("unset", NULL)));
    weft_runner *runner = make_runner(0);

    runs(runner);
    contexts(runner);
    leftovers(runner);
    weft_runner_destroy(runner);
    others();
    weft_context_var_unref(var);
    return 0;
}
