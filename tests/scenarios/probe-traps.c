/*
 * probe-traps: Traps: the wrong loop, oneself, as_completed's leftovers, timers side by side.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <string.h>

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

struct word {
    const char *text;
    int n;
};

static int word(void *arg)
{
    const struct word *w = arg;

    WEFT_TRY(turns(w->n));
    return return_text(w->text);
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int fail(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "f");
}

static int take(void *future)
{
    return weft_await(future, NULL);
}

/* ---- another loop ---- */

static weft_loop *other;
static weft_task *others;

static void await_it(const char *label, weft_future *future)
{
    trace("%s %s", label, err(join(spawn(take, future), NULL)));
}

static int wrong(void)
{
    static struct word w = { "other's", 0 };
    weft_future *f = MUST_HAVE(weft_loop_create_future(other));
    weft_future *mine = make_future();

    others = spawn_on(other, word, &w, "others");
    await_it("future", f);
    await_it("task", others);
    weft_awaitable *two[] = { f, mine };
    weft_future *g = NULL;
    int r = weft_gather(two, 2, 0, &g);
    trace("%s gather of two loops", err(r));
    weft_task *all[1];
    MUST(weft_all_tasks(other, all, 1));
    trace("['%s'] %d", weft_task_get_name(all[0]), weft_all_tasks(NULL, NULL, 0));
    r = weft_loop_run_until_complete(other, others, NULL);
    trace("%s %s", err(r), message(r));
    MUST(weft_task_cancel(others, NULL));
    weft_future_unref(f);
    weft_future_unref(mine);
    return turns(1);
}

/* ---- oneself ---- */

static int self_await(void *arg)
{
    (void)arg;
    trace("%s self", err(weft_await(weft_current_task(), NULL)));
    WEFT_TRY(weft_sleep(0));
    return return_text("goes on");
}

static int self_wait_for(void *arg)
{
    weft_future *s;
    (void)arg;

    WEFT_TRY(weft_shield(weft_current_task(), &s));
    int r = weft_wait_for(s, WEFT_MS(10), NULL);
    weft_future_unref(s);
    return r;
}

static int cancel_soon(void *task)
{
    return weft_task_cancel(task, "soon");
}

static int self_cancel_in_callback(void *arg)
{
    (void)arg;
    MUST(weft_loop_call_soon(NULL, cancel_soon, weft_current_task(), NULL));
    if (weft_sleep(0) == WEFT_ECANCELED) {
        trace("too early? %s", cancel_message());
    }
    trace("after one turn");
    if (weft_sleep(0) == WEFT_ECANCELED) {
        trace("second %s", cancel_message());
    }
    return 0;
}

static int selves(void)
{
    weft_value value;

    WEFT_TRY(join(spawn(self_await, NULL), &value));
    trace("%s", text_of(value));
    trace("%s shield of self", err(join(spawn(self_wait_for, NULL), NULL)));
    return join(spawn(self_cancel_in_callback, NULL), NULL);
}

/* ---- as_completed ---- */

static weft_as_completed *follow(weft_awaitable *const *all, size_t n, weft_duration limit)
{
    weft_as_completed *ends = NULL;

    MUST(weft_as_completed(all, n, limit, &ends));
    return ends;
}

static void trace_next(const char *label, weft_as_completed *ends)
{
    weft_value value;
    int r = weft_as_completed_next(ends, &value);

    if (r == 0) {
        trace("%s%s", label, text_of(value));
    } else {
        trace("%s%s%s%s", label, err(r), r == VALUE_ERROR ? " " : "",
              r == VALUE_ERROR ? message(r) : "");
    }
}

static void trace_all(weft_as_completed *ends)
{
    while (weft_as_completed_has_next(ends)) {
        trace_next("", ends);
    }
    weft_as_completed_destroy(ends);
}

static int leave_early(void)
{
    struct word wa = { "a", 1 }, wb = { "b", 5 };
    weft_awaitable *all[] = { spawn(word, &wa), spawn(word, &wb), NULL };
    weft_value value;

    weft_as_completed *ends = follow(all, 2, WEFT_FOREVER);
    trace_next("first ", ends);
    weft_as_completed_destroy(ends);
    int done = weft_future_done(all[1]);
    WEFT_TRY(weft_await(all[1], &value));
    trace("b %s %s", yes(done), text_of(value));
    all[2] = all[0];
    ends = follow(all, 3, WEFT_FOREVER);
    while (weft_as_completed_has_next(ends)) {
        WEFT_TRY(weft_as_completed_next(ends, &value));
        const char *text = text_of(value);
        int known = strcmp(text, "a") == 0 || strcmp(text, "b") == 0;
        trace("done already %s", known ? "True" : "False");
    }
    weft_as_completed_destroy(ends);
    weft_future_unref(all[0]);
    weft_future_unref(all[1]);
    return 0;
}

static int cancelled_asker(void)
{
    struct word wc = { "c", 6 };
    weft_task *c = spawn(word, &wc);
    weft_awaitable *all[] = { c };
    weft_as_completed *ends = follow(all, 1, WEFT_FOREVER);
    weft_task *t = NULL;
    weft_value value;

    MUST(weft_create_task(weft_as_completed_next_coro(ends), &t));
    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(t, "asker"));
    if (join(t, NULL) == WEFT_ECANCELED) {
        trace("asker cancelled %s %s", cancel_message(), yes(weft_future_done(c)));
    }
    weft_as_completed_destroy(ends);
    WEFT_TRY(join(c, &value));
    trace("%s", text_of(value));
    return 0;
}

static int cancel_d(void *task)
{
    return weft_task_cancel(task, "d");
}

static int cancelled_end(void)
{
    weft_task *d = spawn(sleep_long, NULL);
    weft_awaitable *all[] = { d };
    weft_as_completed *ends = follow(all, 1, WEFT_FOREVER);

    MUST(weft_loop_call_soon(NULL, cancel_d, d, NULL));
    int r = weft_as_completed_next(ends, NULL);
    trace("%s %s %d", err(r), cancel_message(), weft_task_cancelling(weft_current_task()));
    weft_as_completed_destroy(ends);
    weft_future_unref(d);
    return 0;
}

static int completed(void)
{
    struct word slow = { "slow", 4 }, fast = { "fast", 1 }, x = { "x", 3 };
    weft_awaitable *three[] = { weft_coro_create(word, &slow), weft_coro_create(word, &fast),
                                weft_coro_create(fail, NULL) };

    trace_all(follow(three, 3, WEFT_FOREVER));
    WEFT_TRY(leave_early());
    weft_awaitable *two[] = { weft_coro_create(word, &x), weft_coro_create(sleep_long, NULL) };
    trace_all(follow(two, 2, WEFT_MS(10)));
    trace_all(follow(NULL, 0, WEFT_FOREVER));
    WEFT_TRY(cancelled_asker());
    return cancelled_end();
}

/* ---- sleeps ---- */

static char order[64];

struct sleeper {
    const char *name;
    weft_duration time;
};

static int sleep_and_note(void *arg)
{
    const struct sleeper *s = arg;

    WEFT_TRY(weft_sleep(s->time));
    strcat(strcat(order, order[0] == '\0' ? "" : " "), s->name);
    return 0;
}

static int sleep_10ms(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS(10));
}

static int sleeps(void)
{
    static struct sleeper s[] = { { "0.02", WEFT_MS(20) },
                                  { "0", 0 },
                                  { "-1", WEFT_S(-1) },
                                  { "0.01", WEFT_MS(10) },
                                  { "0 again", 0 } };
    weft_awaitable *all[5];
    weft_future *g;

    for (int i = 0; i < 5; i++) {
        all[i] = weft_coro_create(sleep_and_note, &s[i]);
    }
    WEFT_TRY(weft_gather(all, 5, 0, &g));
    WEFT_TRY(join(g, NULL));
    trace("%s", order);
    weft_time before = weft_loop_time(NULL);
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("never early %s", weft_loop_time(NULL) - before >= WEFT_MS(50) ? "True" : "False");
    weft_task *t = spawn(sleep_10ms, NULL);
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    int done = weft_future_done(t);
    trace("done %s %s", yes(done), yes(weft_task_cancel(t, NULL) == 0));
    weft_future_unref(t);
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), say, "timer 1", NULL));
    WEFT_TRY(weft_sleep(0));
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), say, "timer 2", NULL));
    return weft_sleep(WEFT_MS(30));
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_task_set_name(weft_current_task(), "main"));
    watch_logs();
    trace("== wrong");
    WEFT_TRY(wrong());
    trace("== selves");
    WEFT_TRY(selves());
    trace("== completed");
    WEFT_TRY(completed());
    trace("== sleeps");
    return sleeps();
}

int main(void)
{
    other = make_loop();
    int r = scenario_main(story);
    if (weft_loop_run_until_complete(other, others, NULL) == WEFT_ECANCELED) {
        trace("CancelledError %s", cancel_message());
    }
    weft_future_unref(others);
    end_loop(other);
    return r;
}
