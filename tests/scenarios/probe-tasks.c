/*
 * probe-tasks: Tasks: cancelled at every state, their messages, names and last words.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <string.h>

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

static int cancelling(void)
{
    return weft_task_cancelling(weft_current_task());
}

/* ---- cancel at each turn ---- */

static weft_lock *lock;
static char partial[128];

static int sleep_zero(void *arg)
{
    (void)arg;
    return weft_sleep(0);
}

static int hold_lock(void)
{
    weft_future *shielded;

    WEFT_TRY(weft_shield(weft_coro_create(sleep_zero, NULL), &shielded));
    int r = weft_await(shielded, NULL);
    weft_future_unref(shielded);
    return r;
}

static int under_limit(void)
{
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_lock_acquire(lock));
    int r = hold_lock();
    MUST(weft_lock_release(lock));
    return r;
}

static int inner(void *future)
{
    weft_future *both;

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_await(future, NULL));
    weft_awaitable *all[] = { weft_coro_create(sleep_zero, NULL),
                              weft_coro_create(sleep_zero, NULL) };
    WEFT_TRY(weft_gather(all, 2, 0, &both));
    int r = weft_await(both, NULL);
    weft_future_unref(both);
    WEFT_TRY(r);
    weft_timeout *scope = weft_timeout_create(WEFT_S(60));
    r = weft_timeout_enter(scope);
    if (r == 0) {
        r = weft_timeout_exit(scope, under_limit());
    }
    weft_timeout_destroy(scope);
    strcpy(partial, "inner ends ");
    return r;
}

static int finish_pending(void *future)
{
    return weft_future_done(future) ? 0 : open_gate(future);
}

static int every_turn(void)
{
    MUST(weft_lock_create(&lock));
    for (int n = 0; n < 16; n++) {
        weft_future *f = make_future();
        weft_task *t = spawn(inner, f);
        char text[16];
        int k = 0;

        MUST(weft_loop_call_soon(NULL, finish_pending, f, NULL));
        WEFT_TRY(turns(n));
        snprintf(text, sizeof text, "at %d", n);
        int ok = weft_task_cancel(t, text) == 0;
        for (; !weft_future_done(t); k++) {
            WEFT_TRY(weft_sleep(0));
        }
        int r = weft_await(t, NULL);
        if (r == 0) {
            trace("%s%d %s result %d", partial, n, yes(ok), k);
        } else {
            trace("%s%d %s cancelled %d %s", partial, n, yes(ok), k, cancel_message());
        }
        partial[0] = '\0';
        MUST(weft_lock_locked(lock) ? -1 : 0);
        weft_future_unref(t);
        weft_future_unref(f);
    }
    weft_lock_destroy(lock);
    return 0;
}

/* ---- last words ---- */

static int last_words(const char *kind, int r)
{
    if (strcmp(kind, "error") == 0) {
        return weft_fail(VALUE_ERROR, "cleanup");
    }
    if (strcmp(kind, "value") == 0) {
        return return_text("value");
    }
    if (strcmp(kind, "again") == 0) {
        return weft_fail(WEFT_ECANCELED, "other words");
    }
    if (strcmp(kind, "self") == 0) {
        MUST(weft_task_cancel(weft_current_task(), "once more"));
        return weft_sleep(0);
    }
    if (strcmp(kind, "finally") == 0) {
        const weft_error *error = weft_error_ref(weft_current_error());
        WEFT_TRY(weft_sleep(0));
        r = weft_raise(error);
        weft_error_unref(error);
        return r;
    }
    if (strcmp(kind, "self no await") == 0) {
        MUST(weft_task_cancel(weft_current_task(), "no await"));
        return return_text("but a value");
    }
    MUST(weft_task_cancel(weft_current_task(), "new words"));
    return r;
}

static int child(void *kind)
{
    int r = weft_sleep(WEFT_S(60));

    return r == WEFT_ECANCELED ? last_words(kind, r) : r;
}

static int cleanup_errors(void)
{
    static const char *const kinds[] = { "error",   "value",         "again",     "self",
                                         "finally", "self no await", "self raise" };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        weft_task *t = spawn(child, (void *)kinds[i]);
        weft_value value;

        WEFT_TRY(turns(1));
        MUST(weft_task_cancel(t, "first words"));
        int r = weft_await(t, &value);
        if (r == 0) {
            trace("%s %s %d", kinds[i], text_of(value), weft_task_cancelling(t));
        } else {
            trace("%s %s %s %d", kinds[i], err(r),
                  r == WEFT_ECANCELED ? cancel_message() : message(r), weft_task_cancelling(t));
        }
        weft_future_unref(t);
    }
    return 0;
}

/* ---- counts ---- */

static int count_body(void *arg)
{
    weft_task *t = weft_current_task();
    (void)arg;

    int left = weft_task_uncancel(t);
    trace("uncancel at 0 %d %d", left, weft_task_cancelling(t));
    MUST(weft_task_cancel(t, "a"));
    MUST(weft_task_cancel(t, "b"));
    MUST(weft_task_cancel(t, "c"));
    trace("cancelling %d", weft_task_cancelling(t));
    if (weft_sleep(0) == WEFT_ECANCELED) {
        trace("got %s", cancel_message());
    }
    WEFT_TRY(weft_sleep(0));
    trace("no second %d", weft_task_cancelling(t));
    int four[4];
    for (int i = 0; i < 4; i++) {
        four[i] = weft_task_uncancel(t);
    }
    trace("%d %d %d %d", four[0], four[1], four[2], four[3]);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(t, "d"));
    if (weft_sleep(0) == WEFT_ECANCELED) {
        trace("got %s %d", cancel_message(), weft_task_cancelling(t));
    }
    return return_text("x");
}

static int counts(void)
{
    weft_task *t = spawn(count_body, NULL);
    weft_value value;

    WEFT_TRY(weft_await(t, &value));
    int before = weft_task_cancelling(t);
    int left = weft_task_uncancel(t);
    trace("%s %d %d %d", text_of(value), before, left, weft_task_cancelling(t));
    int ok = weft_task_cancel(t, NULL) == 0;
    trace("cancel of done %s %d", yes(ok), weft_task_cancelling(t));
    weft_future_unref(t);
    return 0;
}

/* ---- chains ---- */

static weft_task *leaf_task;

static int leaf(void *future)
{
    int r = weft_await(future, NULL);

    trace("leaf %s %d", cancel_message(), cancelling());
    return r;
}

static int mid(void *future)
{
    leaf_task = spawn(leaf, future);
    int r = weft_await(leaf_task, NULL);
    trace("mid %s %d", cancel_message(), cancelling());
    return r;
}

static int top(void *future)
{
    int r = join(spawn(mid, future), NULL);

    trace("top %s %d", cancel_message(), cancelling());
    return r;
}

static void trace_out(weft_task *t)
{
    weft_await(t, NULL);
    trace("out %s %d %d", cancel_message(), weft_task_cancelling(t),
          weft_task_cancelling(leaf_task));
    weft_future_unref(t);
    weft_future_unref(leaf_task);
}

static int two_levels(void)
{
    for (int i = 0; i < 3; i++) {
        weft_future *f = make_future();
        weft_task *t = spawn(top, f);

        WEFT_TRY(turns(4));
        if (i == 0) {
            MUST(weft_task_cancel(t, "from above"));
            trace("f cancelled %s leaf cancelling %d", yes(weft_future_cancelled(f)),
                  weft_task_cancelling(leaf_task));
            MUST(weft_task_cancel(t, "second"));
        } else if (i == 1) {
            MUST(weft_task_cancel(leaf_task, "from below"));
        } else {
            MUST(weft_future_cancel(f, "at the bottom"));
        }
        trace_out(t);
        weft_future_unref(f);
    }
    return 0;
}

/* ---- who runs ---- */

static int own_name(void *arg)
{
    (void)arg;
    return return_text(weft_task_get_name(weft_current_task()));
}

static int tell_current(void *unused)
{
    (void)unused;
    trace("in callback %s", weft_current_task() == NULL ? "None" : "a task");
    return 0;
}

static int tell_current_done(weft_future *future, void *unused)
{
    (void)future;
    return tell_current(unused);
}

static void trace_all(void)
{
    weft_task *tasks[4];
    int n = weft_all_tasks(NULL, tasks, 4);

    if (n == 2) {
        trace("['%s', '%s']", weft_task_get_name(tasks[0]), weft_task_get_name(tasks[1]));
    } else {
        trace("['%s']", weft_task_get_name(tasks[0]));
    }
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static const char *is_in_all(weft_task *task)
{
    weft_task *tasks[4];
    int n = weft_all_tasks(NULL, tasks, 4);

    for (int i = 0; i < n; i++) {
        if (tasks[i] == task) {
            return "True";
        }
    }
    return "False";
}

static int current(void)
{
    weft_value value;

    MUST(weft_loop_call_soon(NULL, tell_current, NULL, NULL));
    weft_task *t = spawn_named(own_name, NULL, "n1");
    MUST(weft_future_add_done_callback(t, tell_current_done, NULL));
    trace_all();
    WEFT_TRY(weft_await(t, &value));
    trace("%s", text_of(value));
    trace_all();
    MUST(weft_task_set_name(t, "renamed after"));
    trace("%s", weft_task_get_name(t));
    weft_future_unref(t);
    weft_task *u = spawn_named(sleep_long, NULL, "");
    trace("empty name [%s]", weft_task_get_name(u));
    MUST(weft_task_cancel(u, NULL));
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(turns(1));
        trace("ended in all_tasks %s %s", is_in_all(u), yes(weft_future_done(u)));
    }
    weft_future_unref(u);
    return 0;
}

/* ---- results ---- */

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "v");
}

static int give(void *arg)
{
    (void)arg;
    return return_text("r");
}

static int rogue(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "rogue");
}

static int fails_at_once(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), "never seen"));
    return weft_fail(VALUE_ERROR, "at once");
}

static int returns_at_once(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), "turned down"));
    return return_text("value");
}

static int awaits_done(void *future)
{
    weft_value value;

    MUST(weft_task_cancel(weft_current_task(), "pending"));
    WEFT_TRY(weft_await(future, &value));
    trace("done future: %s", text_of(value));
    if (weft_sleep(0) == WEFT_ECANCELED) {
        trace("then %s", cancel_message());
    }
    return 0;
}

static int states(void)
{
    weft_task *t = spawn(fail, NULL);

    trace("%s", err(weft_future_result(t, NULL)));
    trace("%s", err(weft_future_exception(t, NULL)));
    trace("%s", err(weft_future_set_result(t, weft_value_int(1))));
    trace("%s", err(weft_future_set_exception(t, VALUE_ERROR, "x")));
    weft_await(t, NULL);
    trace("%s", err(weft_future_exception(t, NULL)));
    weft_future_unref(t);

    t = spawn(give, NULL);
    MUST(weft_task_cancel(t, "unborn"));
    if (weft_await(t, NULL) == WEFT_ECANCELED) {
        trace("unborn %s", cancel_message());
    }
    weft_future_unref(t);
    t = spawn(give, NULL);
    WEFT_TRY(turns(1));
    int done = weft_future_done(t);
    int ok = weft_task_cancel(t, NULL) == 0;
    trace("%s %s %s", yes(done), yes(ok), result_text(t));
    weft_future_unref(t);
    return 0;
}

static int values(void)
{
    WEFT_TRY(states());
    weft_task *t = spawn(rogue, NULL);
    if (weft_await(t, NULL) == WEFT_ECANCELED) {
        trace("rogue %s %s %d", cancel_message(), yes(weft_future_cancelled(t)),
              weft_task_cancelling(t));
    }
    weft_future_unref(t);
    t = spawn(fails_at_once, NULL);
    int r = weft_await(t, NULL);
    trace("fails at once %s %d", message(r), weft_task_cancelling(t));
    weft_future_unref(t);
    t = spawn(returns_at_once, NULL);
    if (weft_await(t, NULL) == WEFT_ECANCELED) {
        trace("returns at once: cancelled %s %d", cancel_message(), weft_task_cancelling(t));
    }
    weft_future_unref(t);
    weft_future *f = make_future();
    set_text(f, "done");
    r = join(spawn(awaits_done, f), NULL);
    weft_future_unref(f);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    watch_logs();
    MUST(weft_task_set_name(weft_current_task(), "main"));
    trace("== every_turn");
    WEFT_TRY(every_turn());
    trace("== cleanup_errors");
    WEFT_TRY(cleanup_errors());
    trace("== counts");
    WEFT_TRY(counts());
    trace("== two_levels");
    WEFT_TRY(two_levels());
    trace("== current");
    WEFT_TRY(current());
    trace("== values");
    return values();
}

int main(void)
{
    return scenario_main(story);
}
