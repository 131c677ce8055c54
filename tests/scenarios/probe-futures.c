/*
 * probe-futures: Futures: callbacks of callbacks, cancels, reports.
 */
#include "support/scenario.h"

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

static weft_future *failed_future(const char *text)
{
    weft_future *future = make_future();

    MUST(weft_future_set_exception(future, VALUE_ERROR, "%s", text));
    return future;
}

/* ---- callbacks ---- */

static int late(weft_future *future, void *unused)
{
    (void)future;
    (void)unused;
    trace("late runs");
    return 0;
}

static int remove_late(weft_future *future, void *unused)
{
    (void)unused;
    trace("rm runs %d", weft_future_remove_done_callback(future, late, NULL));
    return 0;
}

static int bad(weft_future *future, void *unused)
{
    (void)future;
    (void)unused;
    trace("bad");
    return weft_fail(VALUE_ERROR, "bad");
}

static int finish_other(weft_future *future, void *other)
{
    (void)future;
    return weft_future_set_result(other, weft_value_none());
}

static int tell(weft_future *future, void *text)
{
    (void)future;
    trace("%s", (const char *)text);
    return 0;
}

static int callbacks(void)
{
    weft_future *f = make_future();

    MUST(weft_future_add_done_callback(f, late, NULL));
    MUST(weft_future_add_done_callback(f, remove_late, NULL));
    MUST(weft_future_add_done_callback(f, late, NULL));
    trace("removed early %d", weft_future_remove_done_callback(f, late, NULL));
    MUST(weft_future_add_done_callback(f, late, NULL));
    MUST(weft_future_set_result(f, weft_value_int(1)));
    trace("removed after %d", weft_future_remove_done_callback(f, late, NULL));
    WEFT_TRY(turns(1));
    weft_future_unref(f);

    f = make_future();
    MUST(weft_future_add_done_callback(f, late, NULL));
    MUST(weft_future_add_done_callback(f, late, NULL));
    MUST(weft_future_cancel(f, NULL));
    WEFT_TRY(turns(1));
    MUST(weft_future_add_done_callback(f, bad, NULL));
    MUST(weft_future_add_done_callback(f, late, NULL));
    WEFT_TRY(turns(1));
    weft_future_unref(f);

    weft_future *a = make_future();
    weft_future *c = make_future();
    MUST(weft_future_add_done_callback(a, finish_other, c));
    MUST(weft_future_add_done_callback(c, tell, "c done"));
    MUST(weft_loop_call_soon(NULL, say, "tick 0", NULL));
    MUST(weft_future_set_result(a, weft_value_none()));
    MUST(weft_loop_call_soon(NULL, say, "tick 1", NULL));
    WEFT_TRY(turns(1));
    trace("c is %s", yes(weft_future_done(c)));
    WEFT_TRY(turns(1));
    trace("turn");
    weft_future_unref(a);
    weft_future_unref(c);
    return 0;
}

/* ---- cancels ---- */

struct waiter {
    const char *name;
    weft_future *future;
};

static int wait_and_tell(void *arg)
{
    const struct waiter *w = arg;
    int r = weft_await(w->future, NULL);

    if (r == WEFT_ECANCELED) {
        trace("%s cancelled, own %d %s", w->name, weft_task_cancelling(weft_current_task()),
              cancel_message());
    }
    return r;
}

static int go_on(void *arg)
{
    const struct waiter *w = arg;

    if (weft_await(w->future, NULL) == WEFT_ECANCELED) {
        trace("%s %s %d", w->name, cancel_message(), weft_task_cancelling(weft_current_task()));
    }
    WEFT_TRY(weft_sleep(0));
    trace("%s went on", w->name);
    return 0;
}

static int see_result(void *arg)
{
    const struct waiter *w = arg;
    weft_value value;
    int r = weft_await(w->future, &value);

    if (r == 0) {
        trace("%s got %s", w->name, text_of(value));
    } else {
        const char *text = cancel_message();
        trace("%s %s %s", w->name, text, result_text(w->future));
    }
    return 0;
}

static int see_cancel(void *arg)
{
    const struct waiter *w = arg;

    if (weft_await(w->future, NULL) == WEFT_ECANCELED) {
        trace("%s cancelled", w->name);
    }
    return 0;
}

static int one_future(void)
{
    weft_future *f = make_future();

    int first = weft_future_cancel(f, "one");
    trace("cancel %s %s", yes(first == 0), yes(weft_future_cancel(f, "two") == 0));
    if (weft_await(f, NULL) == WEFT_ECANCELED) {
        trace("message %s", cancel_message());
    }
    if (weft_future_result(f, NULL) == WEFT_ECANCELED) {
        trace("again %s", cancel_message());
    }
    trace("%s", err(weft_future_set_result(f, weft_value_int(1))));
    trace("%s", err(weft_future_set_exception(f, VALUE_ERROR, "x")));
    trace("exception() %s", err(weft_future_exception(f, NULL)));
    weft_future_unref(f);
    return 0;
}

static int two_waiters(void)
{
    weft_future *g = make_future();
    struct waiter w1 = { "w1", g }, w2 = { "w2", g };

    trace("%s", err(weft_future_result(g, NULL)));
    trace("%s", err(weft_future_exception(g, NULL)));
    weft_task *both[] = { spawn(wait_and_tell, &w1), spawn(wait_and_tell, &w2) };
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(both[0], "stop w1"));
    trace("g cancelled at once %s", yes(weft_future_cancelled(g)));
    wait_all(both, 2);
    trace("%s %s %s", err(weft_future_result(both[0], NULL)),
          err(weft_future_result(both[1], NULL)), yes(weft_future_cancelled(both[1])));
    drop_all(both, 2);
    weft_future_unref(g);
    return 0;
}

static int both_cancelled(void)
{
    weft_future *h = make_future();
    struct waiter w3 = { "w3", h };
    weft_task *t = spawn(go_on, &w3);

    WEFT_TRY(turns(1));
    MUST(weft_future_cancel(h, "of future"));
    trace("task cancel %s", yes(weft_task_cancel(t, "of task") == 0));
    if (weft_await(t, NULL) == WEFT_ECANCELED) {
        trace("t cancelled %s", cancel_message());
    }
    weft_future_unref(t);
    weft_future_unref(h);
    return 0;
}

static int late_cancels(void)
{
    weft_future *h = make_future();
    struct waiter w4 = { "w4", h };
    weft_task *t = spawn(see_result, &w4);

    WEFT_TRY(turns(1));
    set_text(h, "value");
    MUST(weft_task_cancel(t, "late"));
    WEFT_TRY(join(t, NULL));
    weft_future_unref(h);

    h = make_future();
    struct waiter w5 = { "w5", h };
    t = spawn(see_cancel, &w5);
    WEFT_TRY(turns(1));
    MUST(weft_future_set_exception(h, VALUE_ERROR, "lost"));
    MUST(weft_task_cancel(t, NULL));
    WEFT_TRY(join(t, NULL));
    weft_future_unref(h);
    trace("end");
    return 0;
}

static int cancels(void)
{
    WEFT_TRY(one_future());
    WEFT_TRY(two_waiters());
    WEFT_TRY(both_cancelled());
    return late_cancels();
}

/* ---- reports ---- */

static int plain_reports(void)
{
    weft_future *f = failed_future("a");
    MUST(weft_future_add_done_callback(f, tell, "callback does not retrieve"));
    WEFT_TRY(turns(1));
    weft_future_unref(f);
    trace("-");

    f = failed_future("a");
    weft_future_exception(f, NULL);
    weft_future_unref(f);
    trace("- exception() retrieves");

    f = failed_future("a");
    int r = weft_future_result(f, NULL);
    trace("result %s", message(r));
    weft_future_unref(f);
    trace("- result() retrieves");

    f = failed_future("a");
    wait_one(f);
    weft_future_unref(f);
    trace("- wait does not retrieve");

    f = failed_future("twice");
    for (int i = 0; i < 2; i++) {
        r = weft_await(f, NULL);
        trace("raised %s", message(r));
    }
    weft_future_unref(f);
    return 0;
}

static int shield_reports(void)
{
    weft_future *f = failed_future("a");
    weft_future *s;

    MUST(weft_shield(f, &s));
    trace("shield is f %s", s == f ? "True" : "False");
    if (weft_await(s, NULL) == VALUE_ERROR) {
        trace("shielded");
    }
    weft_future_unref(s);
    weft_future_unref(f);
    trace("- shield retrieves");

    f = make_future();
    MUST(weft_shield(f, &s));
    MUST(weft_future_cancel(s, NULL));
    WEFT_TRY(turns(1));
    MUST(weft_future_set_exception(f, VALUE_ERROR, "after outer"));
    WEFT_TRY(turns(1));
    weft_future_unref(s);
    weft_future_unref(f);
    trace("- shield: outer cancelled first");
    return 0;
}

static int gather_reports(void)
{
    weft_future *f = make_future();
    weft_awaitable *all[] = { f };
    weft_future *g;

    MUST(weft_gather(all, 1, 0, &g));
    MUST(weft_future_cancel(g, NULL));
    if (weft_await(g, NULL) == WEFT_ECANCELED) {
        trace("gather cancelled %s", yes(weft_future_cancelled(f)));
    }
    weft_future_unref(f);
    weft_future_unref(g);

    all[0] = f = make_future();
    MUST(weft_gather(all, 1, 0, &g));
    MUST(weft_future_set_exception(f, VALUE_ERROR, "in gather"));
    WEFT_TRY(turns(2));
    weft_future_unref(f);
    trace("- child's is retrieved");
    weft_future_unref(g);
    trace("- gather's is not");

    all[0] = f = make_future();
    MUST(weft_gather(all, 1, WEFT_GATHER_RETURN_EXCEPTIONS, &g));
    MUST(weft_future_set_exception(f, VALUE_ERROR, "in gather"));
    WEFT_TRY(turns(2));
    weft_future_unref(f);
    weft_future_unref(g);
    trace("- return_exceptions: nothing");
    return 0;
}

static int fails_in_cleanup(void *future)
{
    int r = weft_await(future, NULL);

    return r == WEFT_ECANCELED ? weft_fail(VALUE_ERROR, "in cleanup") : r;
}

static int reports(void)
{
    WEFT_TRY(plain_reports());
    WEFT_TRY(shield_reports());
    WEFT_TRY(gather_reports());
    weft_future *f = make_future();
    int r = weft_wait_for(weft_coro_create(fails_in_cleanup, f), WEFT_MS(10), NULL);
    trace("%s %s", err(r), message(r));
    weft_future_unref(f);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    watch_logs();
    trace("== callbacks");
    WEFT_TRY(callbacks());
    trace("== cancels");
    WEFT_TRY(cancels());
    trace("== reports");
    return reports();
}

int main(void)
{
    return scenario_main(story);
}
