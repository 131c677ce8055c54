/*
 * probe-edges: Edges of shield, gather, wait, wait_for and groups.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>

static const char *yes(int condition)
{
    return condition ? "yes" : "no";
}

static int cancelling(void)
{
    return weft_task_cancelling(weft_current_task());
}

/* await awaitable, and print what came of it; its reference goes. */
static void show_end(const char *label, weft_future *future)
{
    weft_value value;
    int r = weft_await(future, &value);

    if (r == 0) {
        trace("%s -> %s", label, text_of(value));
        weft_value_clear(&value);
    } else if (r == WEFT_ECANCELED) {
        trace("%s -> CancelledError %s %d", label, cancel_message(), cancelling());
    } else {
        trace("%s -> %s %d", label, err(r), cancelling());
    }
    weft_future_unref(future);
}

/* ---- what sleeps ---- */

struct sleeper {
    const char *name;
    int n_turns; /* negative: for long */
    int error;
};

static int sleep_on(void *arg)
{
    struct sleeper s = *(struct sleeper *)arg;

    free(arg);
    int r = s.n_turns < 0 ? weft_sleep(WEFT_S(60)) : turns(s.n_turns);
    if (r == WEFT_ECANCELED) {
        trace("%s cancelled %s", s.name, cancel_message());
    }
    WEFT_TRY(r);
    return s.error != 0 ? weft_fail(s.error, "%s", s.name) : return_text(s.name);
}

static weft_coro *sleeper(const char *name, int n_turns, int error)
{
    struct sleeper *s = MUST_HAVE(malloc(sizeof *s));

    *s = (struct sleeper){ name, n_turns, error };
    return weft_coro_create_with(sleep_on, s, free);
}

static weft_task *start(weft_coro *coro)
{
    weft_task *task = NULL;

    MUST(weft_create_task(coro, &task));
    return task;
}

static weft_future *shield(weft_awaitable *awaitable)
{
    weft_future *s = NULL;

    MUST(weft_shield(awaitable, &s));
    return s;
}

static weft_future *gather(weft_awaitable *one, weft_awaitable *two, unsigned flags)
{
    weft_awaitable *all[] = { one, two };
    weft_future *g = NULL;

    MUST(weft_gather(all, two != NULL ? 2 : 1, flags, &g));
    return g;
}

/* ---- shields ---- */

static int await_twice(void *task)
{
    static const char *const labels[] = { "w", "w again" };
    weft_value value;

    for (int i = 0; i < 2; i++) {
        if (join(shield(task), NULL) == WEFT_ECANCELED) {
            trace("%s %s", labels[i], cancel_message());
        }
    }
    WEFT_TRY(weft_await(task, &value));
    return weft_return(value);
}

static int deep_shield(void)
{
    weft_future *f = make_future();
    weft_future *middle = shield(f);
    weft_future *s = shield(middle);
    int k = 0;

    set_text(f, "deep");
    for (; !weft_future_done(s); k++) {
        WEFT_TRY(weft_sleep(0));
    }
    trace("%d %s", k, result_text(s));
    weft_future_unref(s);
    weft_future_unref(middle);
    weft_future_unref(f);
    return 0;
}

static int shields(void)
{
    weft_future *f = make_future();
    weft_future *s = shield(f), *s2 = shield(f);

    trace("two shields %s", yes(s == s2));
    MUST(weft_future_cancel(s, "outer"));
    show_end("s", s);
    trace("f %s", yes(weft_future_done(f)));
    MUST(weft_future_cancel(f, "inner"));
    show_end("s2", s2);
    weft_future_unref(f);
    WEFT_TRY(deep_shield());

    weft_task *t = start(sleeper("inner", 4, 0));
    weft_task *wt = spawn(await_twice, t);
    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(wt, "c1"));
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(wt, "c2"));
    show_end("wt", wt);
    weft_future_unref(t);
    show_end("c", shield(sleeper("from coro", 1, 0)));
    return 0;
}

/* ---- gathers ---- */

static int swallow(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60)) == WEFT_ECANCELED ? return_text("swallowed") : 0;
}

static int fails(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(60)) == WEFT_ECANCELED ? weft_fail(VALUE_ERROR, "instead") : 0;
}

static int outer(void *arg)
{
    (void)arg;
    int r = join(gather(sleeper("o1", -1, 0), weft_coro_create(swallow, NULL), 0), NULL);
    if (r == WEFT_ECANCELED) {
        trace("outer %s", cancel_message());
    }
    return r;
}

static int shared_children(void)
{
    weft_task *a = start(sleeper("a", -1, 0)), *b = start(sleeper("b", -1, 0));
    weft_future *g1 = gather(a, b, 0), *g2 = gather(b, NULL, WEFT_GATHER_RETURN_EXCEPTIONS);
    weft_value value;

    WEFT_TRY(turns(1));
    int r = weft_future_cancel(g1, "by g1");
    trace("cancel %s %s", yes(r == 0), yes(weft_future_done(g1)));
    show_end("g1", weft_future_ref(g1));
    WEFT_TRY(join(g2, &value));
    trace("%s", err(((weft_outcomes *)value.as.ptr)->items[0].code));
    weft_value_clear(&value);
    trace("cancel of done %s", yes(weft_future_cancel(g1, NULL) == 0));
    weft_future_unref(g1);
    weft_future_unref(a);
    weft_future_unref(b);
    return 0;
}

static int cancelled_child(void)
{
    weft_task *a = start(sleeper("a", -1, 0)), *b = start(sleeper("b", 3, 0));
    weft_future *g = gather(a, b, 0);
    weft_value value;

    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(a, "own words"));
    show_end("g", g);
    int done = weft_future_done(b);
    WEFT_TRY(weft_await(b, &value));
    trace("b %s %s", yes(done), text_of(value));
    weft_future_unref(a);
    weft_future_unref(b);

    weft_future *f = make_future();
    g = gather(f, NULL, 0);
    set_text(f, "1");
    trace("cancel %s", yes(weft_future_cancel(g, NULL) == 0));
    WEFT_TRY(join(g, &value));
    trace("g -> %s", text_of(((weft_outcomes *)value.as.ptr)->items[0].value));
    weft_value_clear(&value);
    weft_future_unref(f);
    return 0;
}

static int cancel_gather(const char *label, weft_future *g)
{
    WEFT_TRY(turns(1));
    MUST(weft_future_cancel(g, "x"));
    show_end(label, g);
    return 0;
}

static int gathers(void)
{
    weft_future *g = NULL;

    WEFT_TRY(shared_children());
    MUST(weft_gather(NULL, 0, 0, &g));
    trace("empty %s", yes(weft_future_done(g)));
    WEFT_TRY(turns(1));
    trace("empty later %s", yes(weft_future_done(g)));
    weft_future_unref(g);
    WEFT_TRY(cancelled_child());
    WEFT_TRY(cancel_gather("all swallow", gather(weft_coro_create(swallow, NULL),
                                                 weft_coro_create(swallow, NULL), 0)));
    WEFT_TRY(cancel_gather("swallow exc", gather(weft_coro_create(swallow, NULL), NULL,
                                                 WEFT_GATHER_RETURN_EXCEPTIONS)));
    WEFT_TRY(cancel_gather("error instead",
                           gather(weft_coro_create(fails, NULL), sleeper("sib", -1, 0), 0)));
    WEFT_TRY(turns(2));
    weft_task *t = spawn(outer, NULL);
    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(t, "from above"));
    show_end("t", t);
    return 0;
}

/* ---- wait_for ---- */

static void show_limited(const char *label, weft_awaitable *awaitable, weft_duration limit)
{
    int r = weft_wait_for(awaitable, limit, NULL);

    if (r == WEFT_ECANCELED) {
        trace("%s -> CancelledError %s %d", label, cancel_message(), cancelling());
    } else {
        trace("%s -> %s %d", label, err(r), cancelling());
    }
}

static int wait_long(void *future)
{
    return weft_wait_for(future, WEFT_S(60), NULL);
}

static int cancel_from_outside(void *future)
{
    return weft_future_cancel(future, "from outside");
}

static int wait_fors(void)
{
    weft_future *f = make_future();

    MUST(weft_future_cancel(f, "before"));
    show_limited("cancelled already", f, WEFT_S(1));
    weft_future_unref(f);
    f = make_future();
    MUST(weft_future_cancel(f, "before"));
    show_limited("cancelled already, 0", f, 0);
    weft_future_unref(f);
    f = make_future();
    MUST(weft_future_set_exception(f, VALUE_ERROR, "f"));
    show_limited("failed already, 0", f, 0);
    weft_future_unref(f);
    show_limited("coro, 0", sleeper("never", 0, 0), 0);
    show_limited("coro, -1", sleeper("never", 0, 0), WEFT_S(-1));
    f = make_future();
    show_limited("future, 0", f, 0);
    trace("%s", yes(weft_future_cancelled(f)));
    weft_future_unref(f);
    f = make_future();
    MUST(weft_loop_call_soon(NULL, cancel_from_outside, f, NULL));
    show_limited("cancelled while waiting", f, WEFT_S(1));
    trace("%d", cancelling());
    weft_future_unref(f);
    f = make_future();
    show_limited("nested", weft_coro_create(wait_long, f), WEFT_MS(1));
    trace("%s", yes(weft_future_cancelled(f)));
    weft_future_unref(f);
    return 0;
}

/* ---- wait ---- */

struct set {
    weft_future *items[2];
    int n;
    enum weft_wait_mode mode;
};

static int wait_set(void *arg)
{
    static const char *const texts[] = { "0 2", "1 1", "2 0" };
    struct set *set = arg;
    int n = weft_wait(set->items, (size_t)set->n, WEFT_FOREVER, set->mode);

    return n < 0 ? n : return_text(texts[n]);
}

static struct set make_set(int n, enum weft_wait_mode mode)
{
    return (struct set){ { make_future(), n > 1 ? make_future() : NULL }, n, mode };
}

static void drop_set(struct set *set)
{
    drop_all(set->items, (size_t)set->n);
}

static int finish_later(void *future)
{
    return weft_loop_call_soon(NULL, open_gate, future, NULL);
}

static int first_exception(void)
{
    struct set set = make_set(2, WEFT_FIRST_EXCEPTION);
    weft_task *t = spawn(wait_set, &set);

    WEFT_TRY(turns(1));
    MUST(weft_future_cancel(set.items[0], NULL));
    WEFT_TRY(turns(2));
    trace("a cancelled does not end it %s", yes(weft_future_done(t)));
    MUST(weft_future_set_exception(set.items[1], VALUE_ERROR, "b"));
    WEFT_TRY(turns(2));
    show_end("w", t);
    weft_future_exception(set.items[1], NULL);
    drop_set(&set);
    return 0;
}

static int first_completed(void)
{
    struct set set = make_set(2, WEFT_FIRST_COMPLETED);
    weft_task *t = spawn(wait_set, &set);

    WEFT_TRY(turns(1));
    MUST(open_gate(set.items[0]));
    MUST(open_gate(set.items[1]));
    show_end("both in one turn", t);
    drop_set(&set);

    set = make_set(2, WEFT_FIRST_COMPLETED);
    t = spawn(wait_set, &set);
    WEFT_TRY(turns(1));
    MUST(open_gate(set.items[0]));
    MUST(weft_loop_call_soon(NULL, finish_later, set.items[1], NULL));
    show_end("b after the wake", t);
    drop_set(&set);
    return 0;
}

static int waits(void)
{
    WEFT_TRY(first_exception());
    WEFT_TRY(first_completed());
    struct set set = make_set(1, WEFT_ALL_COMPLETED);
    weft_task *t = spawn(wait_set, &set);
    WEFT_TRY(turns(1));
    MUST(open_gate(set.items[0]));
    MUST(weft_task_cancel(t, "late"));
    show_end("cancel in the turn of the end", t);
    drop_set(&set);

    set = make_set(1, WEFT_ALL_COMPLETED);
    t = spawn(wait_set, &set);
    WEFT_TRY(turns(1));
    MUST(weft_task_cancel(t, "w only"));
    WEFT_TRY(turns(2));
    trace("a %s", yes(weft_future_done(set.items[0])));
    weft_future_unref(t);
    drop_set(&set);
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

static int refuse_once(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("first %s", cancel_message());
    }
    int r = weft_sleep(WEFT_MS(10));
    if (r == WEFT_ECANCELED) {
        trace("second %s", cancel_message());
    }
    WEFT_TRY(r);
    trace("slept on");
    return 0;
}

static int stubborn(weft_task_group *g)
{
    add(g, weft_coro_create(refuse_once, NULL));
    return 0;
}

static int stubborn_group(void *arg)
{
    (void)arg;
    return with_group(stubborn);
}

static int rogue(weft_task_group *g)
{
    add(g, sleeper("kid", -1, 0));
    WEFT_TRY(weft_sleep(0));
    return weft_fail(WEFT_ECANCELED, "rogue");
}

static int rogue_body(void *arg)
{
    (void)arg;
    return with_group(rogue);
}

static int raise_cancelled(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ECANCELED, "rogue kid");
}

static int with_rogue_kid(weft_task_group *g)
{
    add(g, weft_coro_create(raise_cancelled, NULL));
    add(g, sleeper("goes on", 3, 0));
    return 0;
}

static int rogue_kid(void *arg)
{
    (void)arg;
    WEFT_TRY(with_group(with_rogue_kid));
    return return_text("fine");
}

static int uncancel_early(weft_task_group *g)
{
    add(g, sleeper("quick", 1, VALUE_ERROR));
    WEFT_TRY(weft_sleep(0));
    weft_task_uncancel(weft_current_task());
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("body %s %d", cancel_message(), cancelling());
    }
    return 0;
}

static int uncancel_in_body(void *arg)
{
    (void)arg;
    return with_group(uncancel_early);
}

static int inner_bad(weft_task_group *h)
{
    add(h, sleeper("bad", 1, VALUE_ERROR));
    add(h, sleeper("inner kid", -1, 0));
    return 0;
}

static int outer_kid(weft_task_group *g)
{
    add(g, sleeper("outer kid", -1, 0));
    return with_group(inner_bad);
}

static int nested(void *arg)
{
    (void)arg;
    return with_group(outer_kid);
}

static int groups(void)
{
    weft_task *t = spawn(stubborn_group, NULL);

    WEFT_TRY(turns(2));
    MUST(weft_task_cancel(t, "one"));
    WEFT_TRY(turns(3));
    trace("done %s", yes(weft_future_done(t)));
    MUST(weft_task_cancel(t, "two"));
    show_end("t", t);
    show_end("rogue body", spawn(rogue_body, NULL));
    show_end("rogue kid", spawn(rogue_kid, NULL));
    show_end("uncancel in body", spawn(uncancel_in_body, NULL));
    show_end("nested", spawn(nested, NULL));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    watch_logs();
    trace("== shields");
    WEFT_TRY(shields());
    trace("== gathers");
    WEFT_TRY(gathers());
    trace("== wait_fors");
    WEFT_TRY(wait_fors());
    trace("== waits");
    WEFT_TRY(waits());
    trace("== groups");
    return groups();
}

int main(void)
{
    return scenario_main(story);
}
