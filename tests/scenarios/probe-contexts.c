/*
 * probe-contexts: Contexts of callbacks and tasks, the runner, and the end of loops.
 */
#include "support/scenario.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static weft_context_var *var, *other;

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

static const char *get(const weft_context_var *of, const char *otherwise)
{
    weft_value value = weft_value_ptr((void *)otherwise, NULL);

    weft_context_var_get(of, &value);
    return value.as.ptr;
}

static void set(weft_context_var *of, const char *text)
{
    MUST(weft_context_var_set(of, weft_value_ptr((void *)text, NULL), NULL));
}

static weft_context_token *set_token(weft_context_var *of, const char *text)
{
    weft_context_token *token = NULL;

    MUST(weft_context_var_set(of, weft_value_ptr((void *)text, NULL), &token));
    return token;
}

static int see(void *label)
{
    trace("%s %s", (const char *)label, get(var, NULL));
    return 0;
}

/* ---- callbacks ---- */

static int see_done(weft_future *future, void *label)
{
    (void)future;
    return see(label);
}

static int see_and_set(weft_future *future, void *label)
{
    see_done(future, label);
    set(var, "in callback");
    return 0;
}

static int finisher(void *future)
{
    set(var, "finisher");
    return open_gate(future);
}

static int set_and_nest(void *unused)
{
    (void)unused;
    set(var, "cb");
    return weft_loop_call_soon(NULL, see, "nested", NULL);
}

static int of_callbacks(void)
{
    weft_future *f = make_future();

    set(var, "main");
    MUST(weft_future_add_done_callback(f, see_done, "added as main"));
    set(var, "later");
    MUST(weft_future_add_done_callback(f, see_and_set, "added later"));
    MUST(weft_future_add_done_callback(f, see_done, "after one that sets"));
    WEFT_TRY(join(spawn(finisher, f), NULL));
    WEFT_TRY(turns(1));
    see("main still");
    weft_future_unref(f);
    MUST(weft_loop_call_soon(NULL, set_and_nest, NULL, NULL));
    WEFT_TRY(turns(3));
    return see("main");
}

/* ---- a context of several ---- */

static int add_text(void *text)
{
    static char texts[2][64];
    char *sum = texts[strcmp(text, "+a") != 0];

    snprintf(sum, sizeof texts[0], "%s%s", get(var, ""), (const char *)text);
    set(var, sum);
    WEFT_TRY(turns(1));
    return return_text(get(var, NULL));
}

static int get_var(void *unused)
{
    (void)unused;
    return return_text(get(var, NULL));
}

static int enter(void *context)
{
    return weft_context_run(context, get_var, NULL);
}

static int in_context(void *context)
{
    if (weft_context_run(context, get_var, NULL) == WEFT_ERUNTIME) {
        trace("RuntimeError in its own context");
    }
    const char *name = weft_task_get_name(weft_current_task());
    return return_text(strcmp(name, "named") == 0 ? "named" : "unnamed");
}

static weft_task *spawn_in(weft_context *context, weft_coro_fn *fn, void *arg, const char *name)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task *task = NULL;

    options.context = context;
    options.name = name;
    MUST(weft_loop_create_task(NULL, weft_coro_create(fn, arg), &options, &task));
    return task;
}

static int of_several(void)
{
    weft_context *ctx = MUST_HAVE(weft_copy_context());
    weft_task *a = spawn_in(ctx, add_text, "+a", NULL);
    weft_task *b = spawn_in(ctx, add_text, "+b", NULL);
    weft_value of_a, of_b, of_ctx, of_run;

    WEFT_TRY(join(a, &of_a));
    WEFT_TRY(join(b, &of_b));
    MUST(weft_context_get(ctx, var, &of_ctx));
    trace("%s %s %s %s", text_of(of_a), text_of(of_b), text_of(of_ctx), get(var, NULL));
    MUST(weft_loop_call_soon_with(NULL, ctx, see, "in ctx", NULL));
    WEFT_TRY(turns(1));
    MUST(weft_context_run(ctx, get_var, NULL));
    MUST(weft_context_get(ctx, var, &of_run));
    trace("run %s", text_of(of_run));
    trace("%s entered", err(weft_context_run(ctx, enter, ctx)));
    WEFT_TRY(join(spawn_in(ctx, in_context, ctx, "named"), &of_a));
    trace("%s", text_of(of_a));
    weft_context_unref(ctx);
    return 0;
}

/* ---- tokens ---- */

static int foreign(void *token)
{
    trace("%s of another context", err(weft_context_var_reset(other, token)));
    return 0;
}

static int of_tokens(void)
{
    weft_context_token *t1 = set_token(var, "one"), *t2 = set_token(var, "two");

    MUST(weft_context_var_reset(var, t1));
    see("reset out of order");
    MUST(weft_context_var_reset(var, t2));
    see("reset back");
    trace("%s used", err(weft_context_var_reset(var, t1)));
    weft_context_token_destroy(t1);
    weft_context_token_destroy(t2);

    weft_context_token *t = set_token(other, "x");
    weft_value old;
    trace("missing %s", yes(weft_context_token_get_old_value(t, &old) == WEFT_ELOOKUP));
    trace("%s of another variable", err(weft_context_var_reset(var, t)));
    MUST(weft_context_var_reset(other, t));
    weft_context_token_destroy(t);
    trace("%s", err(weft_context_var_get(other, &old)));
    trace("get with default %s", get(other, "given"));
    t = set_token(other, "y");
    WEFT_TRY(join(spawn(foreign, t), NULL));
    weft_context_token_destroy(t);
    return 0;
}

/* ---- children ---- */

static int child(void *arg)
{
    const char *seen = get(var, NULL);
    (void)arg;

    set(var, "child");
    return return_text(seen);
}

static int of_children(void)
{
    weft_awaitable *two[] = { weft_coro_create(child, NULL), weft_coro_create(child, NULL) };
    weft_future *g, *s;
    weft_value value;

    WEFT_TRY(weft_gather(two, 2, 0, &g));
    WEFT_TRY(join(g, &value));
    const weft_outcomes *ends = value.as.ptr;
    trace("%s %s %s", text_of(ends->items[0].value), text_of(ends->items[1].value), get(var, NULL));
    weft_value_clear(&value);
    WEFT_TRY(weft_shield(weft_coro_create(child, NULL), &s));
    WEFT_TRY(join(s, &value));
    trace("%s", text_of(value));
    return 0;
}

static int of_group(void)
{
    weft_task_group *group = weft_task_group_create();
    weft_task *t;

    WEFT_TRY(weft_task_group_enter(group));
    MUST(weft_task_group_create_task(group, weft_coro_create(child, NULL), &t));
    set(var, "parent in group");
    WEFT_TRY(weft_task_group_exit(group, 0));
    weft_task_group_destroy(group);
    trace("%s %s", result_text(t), get(var, NULL));
    weft_future_unref(t);
    return 0;
}

static int contexts(void *arg)
{
    (void)arg;
    trace("== contexts");
    WEFT_TRY(of_callbacks());
    WEFT_TRY(of_several());
    WEFT_TRY(of_tokens());
    set(var, "parent");
    WEFT_TRY(of_children());
    WEFT_TRY(of_group());
    set(var, "at call_later");
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), see, "timer", NULL));
    set(var, "at timer");
    return weft_sleep(WEFT_MS(20));
}

/* ---- runs ---- */

static int leftover(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    if (r != WEFT_ECANCELED) {
        return r;
    }
    trace("%s cancelled", (const char *)name);
    if (strcmp(name, "l2") == 0) {
        return weft_fail(KEY_ERROR, "l2");
    }
    if (strcmp(name, "l3") == 0) {
        WEFT_TRY(weft_sleep(0));
        trace("%s goes on", (const char *)name);
        return 0;
    }
    return r;
}

static const char *left;

static int leaves_tasks(void *arg)
{
    (void)arg;
    weft_future_unref(spawn_named(leftover, (void *)left, left));
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "main fails");
}

static int cancelled(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "by hand");
}

static int stops(void *arg)
{
    (void)arg;
    MUST(weft_loop_stop(NULL));
    return weft_sleep(WEFT_S(60));
}

static int stops_at_end(void *arg)
{
    (void)arg;
    MUST(weft_loop_stop(NULL));
    return return_text("value");
}

static int leaves_handle(void *arg)
{
    (void)arg;
    MUST(weft_loop_call_soon(NULL, say, "left handle", NULL));
    return return_text("ok");
}

static int leaves_timer(void *arg)
{
    (void)arg;
    MUST(weft_loop_call_later(NULL, WEFT_S(60), say, "never", NULL));
    return return_text("ok");
}

static void run(weft_coro_fn *fn)
{
    weft_value value;
    int r = run_virtual(fn, &value);

    if (r == 0) {
        trace("%s", text_of(value));
    } else {
        trace("%s %s", err(r), message(r));
    }
}

static int set_other(void *text)
{
    set(other, text);
    return 0;
}

static int get_other(void *arg)
{
    (void)arg;
    return return_text(get(other, "unset"));
}

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "main");
}

static const char *other_in(weft_runner *r)
{
    weft_value value;

    MUST(weft_runner_run(r, weft_coro_create(get_other, NULL), &value));
    return text_of(value);
}

static void several_runs(void)
{
    weft_runner *r = MUST_HAVE(weft_runner_create(NULL));
    weft_value of_ctx;

    MUST(weft_runner_run(r, weft_coro_create(set_other, "in run"), NULL));
    const char *inside = other_in(r);
    trace("%s %s", inside, get(other, "unset outside"));
    weft_context *ctx = MUST_HAVE(weft_copy_context());
    MUST(weft_runner_run_with(r, weft_coro_create(set_other, "in ctx"), ctx, NULL));
    MUST(weft_context_get(ctx, other, &of_ctx));
    trace("%s %s", other_in(r), text_of(of_ctx));
    weft_context_unref(ctx);
    trace("%s", err(weft_runner_run(r, weft_coro_create(fail, NULL), NULL)));
    trace("%s", other_in(r));
    MUST(weft_runner_close(r));
    int code = weft_runner_run(r, weft_coro_create(get_other, NULL), NULL);
    trace("%s %s", err(code), message(code));
    MUST(weft_runner_close(r));
    trace("closed again");
    weft_runner_destroy(r);
}

static int send_interrupt(void *unused)
{
    (void)unused;
    return kill(getpid(), SIGINT);
}

static int interrupted(void *kind)
{
    MUST(weft_loop_call_soon(NULL, send_interrupt, NULL, NULL));
    int r = weft_sleep(WEFT_S(60));
    if (r == WEFT_ECANCELED) {
        trace("main cancelled");
        if (strcmp(kind, "value") == 0) {
            return return_text("value in spite");
        }
        if (strcmp(kind, "error") == 0) {
            return weft_fail(VALUE_ERROR, "in spite");
        }
    }
    return r;
}

static void interrupt(char *kind)
{
    weft_value value;
    int r = weft_run_with(interrupted, kind, NULL, &value);

    trace("%s", r == 0 ? text_of(value) : err(r));
}

static void runner(void)
{
    static const char *const names[] = { "l1", "l2", "l3" };
    struct sigaction before, after;

    trace("== runner");
    for (int i = 0; i < 3; i++) {
        left = names[i];
        run(leaves_tasks);
    }
    run(cancelled);
    run(stops);
    run(stops_at_end);
    run(leaves_handle);
    run(leaves_timer);
    several_runs();
    MUST(sigaction(SIGINT, NULL, &before));
    interrupt("plain");
    interrupt("value");
    interrupt("error");
    MUST(sigaction(SIGINT, NULL, &after));
    trace("handler back %s", yes(after.sa_handler == before.sa_handler));
}

/* ---- ends ---- */

static int pending(void *arg)
{
    int r = weft_sleep(WEFT_S(60));
    (void)arg;

    trace("cleanup");
    return r;
}

static int never_done(weft_future *future, void *unused)
{
    (void)future;
    (void)unused;
    trace("never");
    return 0;
}

static void closed_loops(void)
{
    weft_loop *loop = make_loop();
    weft_future *f = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_future_set_exception(f, VALUE_ERROR, "f"));
    weft_task *t = spawn_on(loop, fail, NULL, "t");
    run_one_turn(loop);
    MUST(weft_loop_close(loop));
    trace("closed");
    weft_future_unref(f);
    trace("-");
    weft_future_unref(t);
    trace("--");
    weft_loop_unref(loop);

    loop = make_loop();
    f = MUST_HAVE(weft_loop_create_future(loop));
    weft_future *g = MUST_HAVE(weft_loop_create_future(loop));
    MUST(weft_future_add_done_callback(g, never_done, NULL));
    MUST(weft_loop_close(loop));
    set_text(f, "1");
    trace("done without callbacks %s %s", yes(weft_future_done(f)), result_text(f));
    MUST(weft_future_set_result(g, weft_value_none()));
    trace("done %s", yes(weft_future_done(g)));
    int r = weft_loop_create_task(loop, weft_coro_create(pending, NULL), NULL, NULL);
    trace("%s %s", err(r), message(r));
    weft_future_unref(f);
    weft_future_unref(g);
    weft_loop_unref(loop);
}

static int cancel_with_words(void *future)
{
    return weft_future_cancel(future, "words");
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int sleep_zero(void *arg)
{
    (void)arg;
    return weft_sleep(0);
}

static void ends(void)
{
    trace("== ends");
    closed_loops();
    weft_loop *loop = make_loop();
    weft_future *f = MUST_HAVE(weft_loop_create_future(loop));
    MUST(weft_loop_call_soon(loop, cancel_with_words, f, NULL));
    if (weft_loop_run_until_complete(loop, f, NULL) == WEFT_ECANCELED) {
        trace("CancelledError %s", cancel_message());
    }
    weft_future_unref(f);
    weft_task *t = spawn_on(loop, fail, NULL, NULL);
    trace("%s", err(weft_loop_run_until_complete(loop, t, NULL)));
    weft_future_unref(t);
    trace("%s", err(weft_loop_run_until_complete(loop, weft_coro_create(fail, NULL), NULL)));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    t = spawn_on(loop, sleep_long, NULL, NULL);
    int r = weft_loop_run_until_complete(loop, t, NULL);
    trace("%s %s", err(r), message(r));
    trace("cancel %s", yes(weft_task_cancel(t, NULL) == 0));
    weft_future_unref(t);
    MUST(weft_loop_run_until_complete(loop, weft_coro_create(sleep_zero, NULL), NULL));
    end_loop(loop);
    trace("end");
}

int main(void)
{
    watch_logs();
    var = weft_context_var_create_with("var", weft_value_ptr("default", NULL));
    other = weft_context_var_create("other");
    int r = scenario_main(contexts);
    runner();
    ends();
    weft_context_var_unref(var);
    weft_context_var_unref(other);
    return r;
}
