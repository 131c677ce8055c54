/*
 * task-contexts: Context variables through tasks, callbacks, groups, gather, wait_for and threads.
 */
#include "support/scenario.h"

static weft_context_var *var;
static weft_context_var *other;

static void set(const char *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr((void *)text, NULL), NULL));
}

static const char *get(void)
{
    weft_value value;

    MUST(weft_context_var_get(var, &value));
    return text_of(value);
}

static const char *get_from(weft_context *context, weft_context_var *which)
{
    weft_value value;

    MUST(weft_context_get(context, which, &value));
    return text_of(value);
}

static int child(void *name)
{
    trace("%s sees %s", (const char *)name, get());
    set(name);
    WEFT_TRY(weft_sleep(0));
    trace("%s keeps %s", (const char *)name, get());
    return 0;
}

static int tell(void *label)
{
    trace("%s sees %s", (const char *)label, get());
    set(label);
    return 0;
}

static int tell_done(weft_future *future, void *label)
{
    (void)future;
    return tell(label);
}

static void defaults(void)
{
    weft_value value = weft_value_ptr("fallback", NULL);
    int r = weft_context_var_get(other, &value);

    trace("%s %s", get(), text_of(value));
    trace("%s", err(r));
}

static int copies(void)
{
    weft_task_group *group = MUST_HAVE(weft_task_group_create());
    weft_future *future;

    set("main");
    MUST(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, "g1"), NULL));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, "g2"), NULL));
    WEFT_TRY(weft_task_group_exit(group, 0));
    weft_task_group_destroy(group);
    weft_awaitable *both[] = { weft_coro_create(child, "c1"), weft_coro_create(child, "c2") };
    MUST(weft_gather(both, 2, 0, &future));
    WEFT_TRY(join(future, NULL));
    trace("main keeps %s", get());

    MUST(weft_shield(weft_coro_create(child, "shielded"), &future));
    WEFT_TRY(join(future, NULL));
    WEFT_TRY(weft_await(weft_coro_create(child, "awaited"), NULL));
    trace("after the await %s", get());
    return 0;
}

static int callbacks(void)
{
    weft_future *future = make_future();

    set("before");
    MUST(weft_loop_call_soon(NULL, tell, "soon 1", NULL));
    MUST(weft_loop_call_soon(NULL, tell, "soon 2", NULL));
    MUST(weft_loop_call_soon_threadsafe(NULL, tell, "threadsafe", NULL));
    MUST(weft_future_add_done_callback(future, tell_done, "done"));
    set("after");
    MUST(weft_future_set_result(future, weft_value_none()));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    trace("main has %s", get());
    weft_future_unref(future);
    return 0;
}

static int sharing(weft_context *context)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task_group *group = MUST_HAVE(weft_task_group_create());
    weft_task *task;

    options.context = context;
    MUST(weft_loop_call_soon_with(NULL, context, tell, "shared 1", NULL));
    MUST(weft_loop_call_later_with(NULL, WEFT_MS(10), context, tell, "shared 2", NULL));
    MUST(weft_loop_create_task(NULL, weft_coro_create(child, "shared task"), &options, &task));
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    WEFT_TRY(join(task, NULL));
    trace("ctx %s main %s", get_from(context, var), get());

    MUST(weft_task_group_enter(group));
    MUST(
        weft_task_group_create_task_with(group, weft_coro_create(child, "in ctx"), &options, NULL));
    WEFT_TRY(weft_task_group_exit(group, 0));
    weft_task_group_destroy(group);
    trace("ctx %s", get_from(context, var));
    return 0;
}

static int inside(void *context)
{
    set("inside");
    MUST(weft_context_var_set(other, weft_value_ptr("only here", NULL), NULL));
    int r = weft_context_run(context, inside, context);
    if (r < 0) {
        trace("%s", err(r));
    }
    return weft_return_int((int64_t)weft_context_get_n(context));
}

struct set_again {
    weft_context_token *token;
    int reset;
};

static int set_again(void *arg)
{
    struct set_again *again = arg;

    return weft_context_var_set(var, weft_value_ptr("again", NULL), &again->token);
}

static int reset_again(void *arg)
{
    struct set_again *again = arg;

    return weft_context_var_reset(var, again->token);
}

struct call {
    weft_context *context;
    weft_value value;
};

static int call_inside(void *arg)
{
    struct call *call = arg;

    return weft_context_run(call->context, inside, call->context);
}

static int running(weft_context *context)
{
    struct call call = { .context = context };
    struct set_again again;
    weft_value value;

    WEFT_TRY(weft_call(call_inside, &call, &call.value));
    trace("run %d %s %s %s", (int)call.value.as.num, get_from(context, var),
          get_from(context, other), get());
    weft_context *copy = MUST_HAVE(weft_context_copy(context));
    weft_context *current = MUST_HAVE(weft_copy_context());
    trace("copy %zu %s", weft_context_get_n(copy),
          weft_context_get(current, other, NULL) == 0 ? "True" : "False");
    weft_context_unref(copy);
    weft_context_unref(current);

    MUST(weft_context_run(context, set_again, &again));
    int r = weft_context_var_reset(var, again.token);
    if (r < 0) {
        trace("%s", err(r));
    }
    MUST(weft_context_run(context, reset_again, &again));
    MUST(weft_context_token_get_old_value(again.token, &value));
    trace("reset %s %s", get_from(context, var), text_of(value));
    weft_context_token_destroy(again.token);
    return 0;
}

static int in_thread(void *arg)
{
    const char *seen = get();
    (void)arg;

    set("thread's own");
    return return_text(seen);
}

static int report(void *arg)
{
    (void)arg;
    return return_text(get());
}

static int submit(void *loop)
{
    weft_concurrent_future *future;
    weft_value value;

    set("from the thread");
    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(report, NULL), loop, &future));
    int r = weft_concurrent_future_result(future, WEFT_FOREVER, &value);
    weft_concurrent_future_unref(future);
    return r < 0 ? r : weft_return(value);
}

static int threads(void)
{
    weft_future *future;
    weft_value value;

    set("to thread");
    MUST(weft_loop_run_in_executor(NULL, NULL, in_thread, NULL, &future));
    WEFT_TRY(join(future, &value));
    trace("run_in_executor %s", text_of(value));
    WEFT_TRY(weft_to_thread(in_thread, NULL, &value));
    trace("to_thread %s %s", text_of(value), get());
    MUST(weft_loop_run_in_executor(NULL, NULL, submit, weft_get_running_loop(), &future));
    WEFT_TRY(join(future, &value));
    trace("threadsafe %s", text_of(value));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    defaults();
    WEFT_TRY(copies());
    WEFT_TRY(callbacks());
    weft_context *context = MUST_HAVE(weft_copy_context());
    WEFT_TRY(sharing(context));
    WEFT_TRY(running(context));
    weft_context_unref(context);
    return threads();
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create_with("var", weft_value_ptr("default", NULL)));
    other = MUST_HAVE(weft_context_var_create("other"));
    int status = scenario_main_real(story);
    weft_context_var_unref(other);
    weft_context_var_unref(var);
    return status;
}
