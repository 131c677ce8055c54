/*
 * probe-groups: gather, wait, wait_for, shield, as_completed, groups and timeouts inside each
 * other.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cancelling(void)
{
    return weft_task_cancelling(weft_current_task());
}

/* ---- what sleeps, and how it takes a cancel ---- */

struct sleeper {
    const char *name;
    weft_duration time;
    const char *after;
};

static int take_cancel(const struct sleeper *s)
{
    const weft_error *error = weft_error_ref(weft_current_error());
    int r = 0;

    trace("%s cancelled %s", s->name, cancel_message());
    if (strcmp(s->after, "slow") == 0) {
        r = weft_sleep(WEFT_MS(50));
        if (r == 0) {
            trace("%s slowly", s->name);
        }
    }
    if (strcmp(s->after, "swallow") == 0) {
        r = return_text(s->name);
    } else if (strcmp(s->after, "fail") == 0) {
        r = weft_fail(VALUE_ERROR, "%s", s->name);
    } else if (r == 0) {
        r = WEFT_ECANCELED;
        weft_raise(error);
    }
    weft_error_unref(error);
    return r;
}

static int sleep_on(void *arg)
{
    struct sleeper s = *(struct sleeper *)arg;

    free(arg);
    int r = weft_sleep(s.time);
    if (r == WEFT_ECANCELED) {
        return take_cancel(&s);
    }
    WEFT_TRY(r);
    return strcmp(s.after, "late-fail") == 0 ? weft_fail(KEY_ERROR, "%s", s.name)
                                             : return_text(s.name);
}

/* sleeper(name, ms, after), not awaited. */
#define sleeper(name, ms, after) \
    weft_coro_create_at(WEFT_ORIGIN("sleeper"), sleep_on, new_sleeper(name, ms, after), free)

static void *new_sleeper(const char *name, int ms, const char *after)
{
    struct sleeper *s = MUST_HAVE(malloc(sizeof *s));

    *s = (struct sleeper){ name, WEFT_MS(ms), after };
    return s;
}

enum {
    LONG = 60000
};

static weft_task *start(weft_coro *coro)
{
    weft_task *task = NULL;

    MUST(weft_create_task(coro, &task));
    return task;
}

/* ---- showing ---- */

static void show_end(const char *label, int r, weft_value value)
{
    if (r == 0) {
        trace("%s -> %s", label, text_of(value));
    } else if (r == WEFT_ECANCELED) {
        trace("%s -> CancelledError %s %d", label, cancel_message(), cancelling());
    } else {
        trace("%s -> %s %d", label, err(r), cancelling());
    }
}

static void show_task(const char *label, weft_task *task)
{
    weft_value value;
    int r = weft_await(task, &value);

    show_end(label, r, value);
    weft_future_unref(task);
}

static void show_fn(const char *label, weft_coro_fn *fn)
{
    show_task(label, spawn(fn, NULL));
}

static void show_wait_for(const char *label, weft_awaitable *awaitable, weft_duration limit)
{
    weft_value value;
    int r = weft_wait_for(awaitable, limit, &value);

    show_end(label, r, value);
}

struct later {
    weft_duration time;
    weft_task *task;
    const char *message;
};

static int cancel_later(void *arg)
{
    const struct later *l = arg;

    WEFT_TRY(weft_sleep(l->time));
    weft_task_cancel(l->task, l->message);
    return 0;
}

static void run_cancelled(const char *label, weft_coro_fn *fn, int first, int second)
{
    weft_task *t = spawn(fn, NULL);
    struct later l0 = { WEFT_MS(first), t, "c0" }, l1 = { WEFT_MS(second), t, "c1" };
    weft_task *ts[] = { spawn(cancel_later, &l0), second ? spawn(cancel_later, &l1) : NULL };

    show_task(label, weft_future_ref(t));
    for (int i = 0; i < (second ? 2 : 1); i++) {
        weft_task_cancel(ts[i], NULL);
        join(ts[i], NULL);
    }
    weft_future_unref(t);
}

/* ---- timeouts ---- */

/* async with timeout(limit): body(scope) */
typedef int scope_fn(weft_timeout *scope, void *arg);

static int with_scope(weft_timeout *scope, scope_fn *body, void *arg)
{
    int r = weft_timeout_enter(scope);

    if (r == 0) {
        r = weft_timeout_exit(scope, body(scope, arg));
    }
    weft_timeout_destroy(scope);
    return r;
}

static int with_timeout(int ms, scope_fn *body)
{
    return with_scope(weft_timeout_create(WEFT_MS(ms)), body, NULL);
}

static int sleep_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    return weft_sleep(WEFT_S(60));
}

static int enter_second(weft_timeout *scope, void *when)
{
    (void)scope;
    return with_scope(weft_timeout_create_at(*(weft_time *)when), sleep_in, NULL);
}

static int both_at_once(void *arg)
{
    weft_time when = weft_loop_time(NULL) + WEFT_MS(10);
    (void)arg;

    return with_scope(weft_timeout_create_at(when), enter_second, &when);
}

static int wait_for_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    return weft_wait_for(sleeper("in wait_for", LONG, "slow"), WEFT_MS(10), NULL);
}

static int with_wait_for(void *arg)
{
    (void)arg;
    return with_timeout(10, wait_for_in);
}

static int swallow_in(weft_timeout *scope, void *arg)
{
    (void)arg;
    weft_sleep(WEFT_S(60));
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("expired %s", truth(weft_timeout_expired(scope)));
    return 0;
}

static int swallow_then_wait(void *arg)
{
    (void)arg;
    WEFT_TRY(with_timeout(10, swallow_in));
    trace("cancelling %d", cancelling());
    WEFT_TRY(weft_sleep(0));
    return return_text("swallowed");
}

static int other_error_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    return weft_sleep(WEFT_S(60)) == WEFT_ECANCELED ? weft_fail(VALUE_ERROR, "x") : 0;
}

static int other_error(void *arg)
{
    (void)arg;
    return with_timeout(10, other_error_in);
}

static int own_cancel_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), "mine"));
    return weft_sleep(0);
}

static int own_cancel(void *arg)
{
    (void)arg;
    return with_timeout(LONG, own_cancel_in);
}

static int cancel_and_expire(void *arg)
{
    (void)arg;
    return with_timeout(0, own_cancel_in);
}

static int cleanup_cancel_in(weft_timeout *scope, void *arg)
{
    int r = weft_sleep(WEFT_S(60));
    (void)arg;

    trace("expired %s %d", truth(weft_timeout_expired(scope)), cancelling());
    MUST(weft_task_cancel(weft_current_task(), "in cleanup"));
    trace("%d", cancelling());
    return r;
}

static int cancel_then_expire(void *arg)
{
    (void)arg;
    return with_timeout(10, cleanup_cancel_in);
}

static int already_cancelling(void *arg)
{
    (void)arg;
    MUST(weft_task_cancel(weft_current_task(), "before"));
    weft_sleep(0);
    return with_timeout(10, sleep_in);
}

static int twice(void *arg)
{
    weft_timeout *s = weft_timeout_create(WEFT_S(1));
    weft_timeout *s2 = weft_timeout_create(WEFT_FOREVER);
    (void)arg;

    WEFT_TRY(weft_timeout_enter(s));
    WEFT_TRY(weft_timeout_exit(s, 0));
    trace("%s again", err(weft_timeout_enter(s)));
    trace("%s reschedule", err(weft_timeout_reschedule(s, 1)));
    trace("%s not entered", err(weft_timeout_reschedule(s2, 1)));
    trace("states %s %s %s", truth(weft_timeout_when(s) != WEFT_FOREVER),
          truth(weft_timeout_when(s2) == WEFT_FOREVER), truth(weft_timeout_expired(s2)));
    weft_timeout_destroy(s);
    weft_timeout_destroy(s2);
    return return_text("fine");
}

static int take_limit_away(weft_timeout *scope, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_timeout_reschedule(scope, WEFT_FOREVER));
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    trace("when %s expired %s", weft_timeout_when(scope) == WEFT_FOREVER ? "None" : "a time",
          truth(weft_timeout_expired(scope)));
    return return_text("slept");
}

static int reschedule_none(void *arg)
{
    (void)arg;
    return with_timeout(10, take_limit_away);
}

static int timeouts(void)
{
    show_fn("equal", both_at_once);
    show_fn("wait_for in timeout", with_wait_for);
    show_fn("swallow", swallow_then_wait);
    show_fn("other error", other_error);
    show_fn("own cancel", own_cancel);
    show_fn("own cancel in the turn of the limit", cancel_and_expire);
    show_fn("cancel in the cleanup of a limit", cancel_then_expire);
    show_fn("entered while cancelling", already_cancelling);
    show_fn("states", twice);
    show_fn("limit taken away", reschedule_none);
    return 0;
}

/* ---- groups ---- */

typedef int group_fn(weft_task_group *group);

static int with_group(group_fn *body)
{
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);

    if (r == 0) {
        r = weft_task_group_exit(group, body(group));
    }
    weft_task_group_destroy(group);
    return r;
}

static void add(weft_task_group *group, weft_coro *coro)
{
    MUST(weft_task_group_create_task(group, coro, NULL));
}

static int four_children(weft_task_group *g)
{
    add(g, sleeper("a", 10, "late-fail"));
    add(g, sleeper("b", LONG, "fail"));
    add(g, sleeper("c", LONG, "swallow"));
    add(g, sleeper("d", LONG, ""));
    return 0;
}

static int fails(void *arg)
{
    (void)arg;
    return with_group(four_children);
}

static int slow_child(weft_task_group *g)
{
    add(g, sleeper("g1", LONG, ""));
    add(g, sleeper("g2", LONG, "slow"));
    return 0;
}

static int slow_group_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    return with_group(slow_child);
}

static int group_in_timeout(void *arg)
{
    (void)arg;
    return with_timeout(10, slow_group_in);
}

static int failing_child(weft_task_group *g)
{
    add(g, sleeper("g1", LONG, "fail"));
    return 0;
}

static int failing_group_in(weft_timeout *scope, void *arg)
{
    (void)scope;
    (void)arg;
    return with_group(failing_child);
}

static int failing_group_in_timeout(void *arg)
{
    (void)arg;
    return with_timeout(10, failing_group_in);
}

static int sibling_and_limit(weft_task_group *g)
{
    add(g, sleeper("sibling", LONG, ""));
    return with_timeout(10, sleep_in);
}

static int timeout_in_group(void *arg)
{
    (void)arg;
    return with_group(sibling_and_limit);
}

static int return_early(weft_task_group *g)
{
    add(g, sleeper("early", 10, ""));
    return return_text("returned");
}

static int early_return(void *arg)
{
    (void)arg;
    return with_group(return_early);
}

static int cancel_parent(void *parent)
{
    return weft_task_cancel(parent, "by child");
}

static int cancelling_child(weft_task_group *g)
{
    add(g, weft_coro_create(cancel_parent, weft_current_task()));
    add(g, sleeper("s", LONG, ""));
    return 0;
}

static int child_cancels_parent(void *arg)
{
    (void)arg;
    return with_group(cancelling_child);
}

static int spawn_at_end(void *group)
{
    int r = weft_sleep(WEFT_S(60));
    int made = weft_task_group_create_task((weft_task_group *)group, sleeper("late", 0, ""), NULL);

    trace(made == 0 ? "spawned in shutdown" : "%s in shutdown", err(made));
    return r;
}

static int failing_body(weft_task_group *g)
{
    add(g, weft_coro_create(spawn_at_end, g));
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "body");
}

static int late_spawn(void *arg)
{
    (void)arg;
    return with_group(failing_body);
}

static int await_child(weft_task_group *g)
{
    weft_task *t;

    MUST(weft_task_group_create_task(g, sleeper("awaited", 10, "late-fail"), &t));
    return join(t, NULL);
}

static int await_child_in_body(void *arg)
{
    (void)arg;
    return with_group(await_child);
}

static int swallow(weft_task_group *g)
{
    add(g, sleeper("x", 10, "late-fail"));
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("body swallows %s %d", cancel_message(), cancelling());
    }
    WEFT_TRY(weft_sleep(0));
    trace("body goes on");
    return 0;
}

static int body_swallows(void *arg)
{
    (void)arg;
    return with_group(swallow);
}

static int inner_group(weft_task_group *h)
{
    add(h, sleeper("inner child", LONG, "slow"));
    return 0;
}

static int outer_group(weft_task_group *g)
{
    add(g, sleeper("outer child", LONG, "slow"));
    return with_group(inner_group);
}

static int two_groups(void *arg)
{
    (void)arg;
    return with_group(outer_group);
}

static int groups(void)
{
    show_fn("fails", fails);
    show_fn("group in timeout", group_in_timeout);
    show_fn("failing group in timeout", failing_group_in_timeout);
    show_fn("timeout in group", timeout_in_group);
    show_fn("early return", early_return);
    show_fn("child cancels parent", child_cancels_parent);
    show_fn("spawn in shutdown", late_spawn);
    show_fn("child awaited by body", await_child_in_body);
    show_fn("body swallows", body_swallows);
    run_cancelled("group cancelled twice", two_groups, 10, 20);
    return 0;
}

/* ---- mixes ---- */

static void show_gather_limit(const char *label, unsigned flags)
{
    weft_awaitable *all[] = { sleeper("p", LONG, ""), sleeper("q", LONG, "swallow") };
    weft_future *g;

    MUST(weft_gather(all, 2, flags, &g));
    show_wait_for(label, g, WEFT_MS(10));
    weft_future_unref(g);
}

static void show_shield_limit(void)
{
    weft_task *inner = start(sleeper("shielded", 30, ""));
    weft_future *s;

    MUST(weft_shield(inner, &s));
    show_wait_for("wait_for shield", s, WEFT_MS(10));
    weft_future_unref(s);
    show_task("inner", inner);
}

struct limited {
    weft_coro *coro;
    weft_duration limit;
};

static int wait_limited(void *arg)
{
    const struct limited *l = arg;
    weft_value value;

    WEFT_TRY(weft_wait_for(l->coro, l->limit, &value));
    return weft_return(value);
}

static int gather_of_limits(void)
{
    struct limited l[] = { { sleeper("g1", LONG, ""), WEFT_MS(10) },
                           { sleeper("g2", LONG, "fail"), WEFT_MS(10) },
                           { sleeper("g3", LONG, "swallow"), WEFT_MS(10) },
                           { sleeper("g4", 0, ""), WEFT_FOREVER } };
    weft_awaitable *all[4];
    weft_future *g;
    weft_value value;
    const char *texts[4];

    for (int i = 0; i < 4; i++) {
        all[i] = weft_coro_create(wait_limited, &l[i]);
    }
    MUST(weft_gather(all, 4, WEFT_GATHER_RETURN_EXCEPTIONS, &g));
    WEFT_TRY(weft_await(g, &value));
    const weft_outcomes *ends = value.as.ptr;
    for (int i = 0; i < 4; i++) {
        const weft_outcome *end = &ends->items[i];
        texts[i] = end->code < 0 ? err(end->code) : text_of(end->value);
    }
    trace("%s %s %s %s", texts[0], texts[1], texts[2], texts[3]);
    weft_value_clear(&value);
    weft_future_unref(g);
    return 0;
}

static void trace_wait(weft_task *const *tasks, int n, weft_duration limit,
                       enum weft_wait_mode mode)
{
    int done = weft_wait(tasks, (size_t)n, limit, mode);

    trace("%d %d", done, n - done);
}

static int waits(void)
{
    weft_task *t[3] = { start(sleeper("done", 0, "")), NULL, NULL };

    WEFT_TRY(turns(3));
    t[1] = start(sleeper("pend", LONG, ""));
    trace_wait(t, 2, 0, WEFT_ALL_COMPLETED);
    trace_wait(t, 2, WEFT_FOREVER, WEFT_FIRST_COMPLETED);
    trace_wait(t, 2, WEFT_S(-1), WEFT_ALL_COMPLETED);
    t[2] = start(sleeper("q", LONG, ""));
    struct later one = { WEFT_MS(10), t[1], NULL }, two = { WEFT_MS(20), t[2], NULL };
    weft_task *kill[] = { spawn(cancel_later, &one), spawn(cancel_later, &two) };
    trace_wait(t, 3, WEFT_FOREVER, WEFT_FIRST_EXCEPTION);
    drop_all(kill, 2);
    drop_all(t, 3);
    return 0;
}

static int wait_in(void *task)
{
    weft_task *set[] = { task };
    int n = weft_wait(set, 1, WEFT_FOREVER, WEFT_ALL_COMPLETED);

    return n < 0 ? n : return_text("waited");
}

static int wait_for_wait(void)
{
    weft_task *x = start(sleeper("x", 30, ""));

    show_wait_for("wait_for wait", weft_coro_create(wait_in, x), WEFT_MS(10));
    trace("x done %s", weft_future_done(x) ? "yes" : "no");
    return join(x, NULL);
}

static int follow_in(weft_timeout *scope, void *arg)
{
    weft_awaitable *all[] = { sleeper("s1", 10, ""), sleeper("s2", 30, "") };
    weft_as_completed *ends;
    int r = 0;
    (void)scope;
    (void)arg;

    WEFT_TRY(weft_as_completed(all, 2, WEFT_FOREVER, &ends));
    while (r == 0 && weft_as_completed_has_next(ends)) {
        weft_value value;
        r = weft_as_completed_next(ends, &value);
        if (r == 0) {
            trace("as_completed %s", text_of(value));
        }
    }
    weft_as_completed_destroy(ends);
    return r;
}

static int follow(void *arg)
{
    (void)arg;
    return with_timeout(20, follow_in);
}

static int gather_slow(void *arg)
{
    weft_awaitable *all[] = { sleeper("gs1", LONG, "slow"), sleeper("gs2", LONG, "") };
    weft_future *g;
    (void)arg;

    WEFT_TRY(weft_gather(all, 2, 0, &g));
    return join(g, NULL);
}

static weft_task *y;

static int wait_for_y(void *arg)
{
    (void)arg;
    return wait_in(y);
}

static int shielding(void *arg)
{
    weft_future *s;
    (void)arg;

    weft_task *behind = start(sleeper("behind", 30, "late-fail"));
    MUST(weft_task_set_name(behind, "behind"));
    WEFT_TRY(weft_shield(behind, &s));
    weft_future_unref(behind);
    return join(s, NULL);
}

static int mixes(void)
{
    show_gather_limit("wait_for gather", 0);
    show_gather_limit("wait_for gather exc", WEFT_GATHER_RETURN_EXCEPTIONS);
    show_shield_limit();
    WEFT_TRY(gather_of_limits());
    WEFT_TRY(waits());
    WEFT_TRY(wait_for_wait());
    show_fn("as_completed in timeout", follow);
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    run_cancelled("gather cancelled twice", gather_slow, 10, 20);
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    y = start(sleeper("y", 20, ""));
    run_cancelled("wait cancelled", wait_for_y, 10, 0);
    weft_value value;
    WEFT_TRY(join(y, &value));
    trace("y %s", text_of(value));
    run_cancelled("shield cancelled", shielding, 10, 0);
    return weft_sleep(WEFT_MS(50));
}

static int story(void *arg)
{
    (void)arg;
    watch_logs();
    trace("== timeouts");
    WEFT_TRY(timeouts());
    trace("== groups");
    WEFT_TRY(groups());
    trace("== mixes");
    return mixes();
}

int main(void)
{
    return scenario_main(story);
}
