/*
 * task-uncancel: Counting cancels: uncancel, nested time limits, groups inside of them.
 */
#include "support/scenario.h"

static int cancelling(void)
{
    return weft_task_cancelling(weft_current_task());
}

static const char *truth(int condition)
{
    return condition ? "True" : "False";
}

static weft_timeout *enter(weft_duration delay)
{
    weft_timeout *scope = MUST_HAVE(weft_timeout_create(delay));

    MUST(weft_timeout_enter(scope));
    return scope;
}

static int counts(void)
{
    weft_task *me = weft_current_task();

    MUST(weft_task_cancel(me, NULL));
    MUST(weft_task_cancel(me, NULL));
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("once, cancelling=%d", cancelling());
    }
    WEFT_TRY(weft_sleep(0));
    int first = weft_task_uncancel(me);
    int second = weft_task_uncancel(me);
    int third = weft_task_uncancel(me);
    trace("uncancel %d %d %d", first, second, third);
    return 0;
}

static int both_expired(void)
{
    weft_timeout *outer = enter(WEFT_MS(10));
    weft_timeout *inner = enter(WEFT_MS(10));
    int r = weft_timeout_exit(inner, weft_sleep(WEFT_S(60)));

    if (r == WEFT_ETIMEDOUT) {
        trace("inner %s %s %d", truth(weft_timeout_expired(inner)),
              truth(weft_timeout_expired(outer)), cancelling());
        r = 0;
    }
    r = weft_timeout_exit(outer, r < 0 ? r : weft_sleep(WEFT_S(60)));
    if (r == WEFT_ETIMEDOUT) {
        trace("outer %s %s %d", truth(weft_timeout_expired(inner)),
              truth(weft_timeout_expired(outer)), cancelling());
        r = 0;
    }
    weft_timeout_destroy(inner);
    weft_timeout_destroy(outer);
    return r;
}

static int outer_during_cleanup(void)
{
    weft_timeout *outer = enter(WEFT_MS(20));
    weft_timeout *inner = enter(WEFT_MS(10));

    int r = weft_sleep(WEFT_S(60));
    int cleanup = weft_sleep(WEFT_S(60));
    r = weft_timeout_exit(inner, cleanup < 0 ? cleanup : r);
    if (r == WEFT_ETIMEDOUT) {
        trace("not reached");
    }
    trace("in between cancelling=%d", cancelling());
    r = weft_timeout_exit(outer, r);
    if (r == WEFT_ETIMEDOUT) {
        trace("outer claims, cancelling=%d", cancelling());
        r = 0;
    }
    weft_timeout_destroy(inner);
    weft_timeout_destroy(outer);
    return r;
}

static int sleep_in_expired(weft_timeout *scope)
{
    MUST(weft_timeout_reschedule(scope, weft_loop_time(NULL) - WEFT_S(1)));
    trace("expired=%s", truth(weft_timeout_expired(scope)));
    WEFT_TRY(weft_sleep(0));
    trace("not interrupted by sleep(0), expired=%s", truth(weft_timeout_expired(scope)));
    return weft_sleep(0);
}

static int rescheduled(void)
{
    weft_timeout *scope = enter(WEFT_S(60));

    MUST(weft_timeout_reschedule(scope, weft_loop_time(NULL) - WEFT_S(1)));
    MUST(weft_timeout_reschedule(scope, weft_loop_time(NULL) + WEFT_S(60)));
    WEFT_TRY(weft_sleep(0));
    trace("rescheduled twice, expired=%s", truth(weft_timeout_expired(scope)));
    WEFT_TRY(weft_timeout_exit(scope, 0));
    weft_timeout_destroy(scope);

    scope = enter(WEFT_S(60));
    if (weft_timeout_exit(scope, sleep_in_expired(scope)) == WEFT_ETIMEDOUT) {
        trace("timed out");
    }
    weft_timeout_destroy(scope);
    return 0;
}

static int own_ways(void)
{
    weft_timeout *scope = enter(WEFT_MS(10));

    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("swallowed, cancelling=%d", cancelling());
    }
    WEFT_TRY(weft_timeout_exit(scope, 0));
    trace("after expired=%s cancelling=%d", truth(weft_timeout_expired(scope)), cancelling());
    weft_timeout_destroy(scope);

    scope = enter(WEFT_MS(10));
    (void)weft_sleep(WEFT_S(60));
    int r = weft_timeout_exit(scope, weft_fail(VALUE_ERROR, "own"));
    trace("%s %s %s %d", err(r), message(r), truth(weft_timeout_expired(scope)), cancelling());
    weft_timeout_destroy(scope);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(counts());
    WEFT_TRY(both_expired());
    WEFT_TRY(outer_during_cleanup());
    WEFT_TRY(rescheduled());
    return own_ways();
}

int main(void)
{
    return scenario_main(story);
}
