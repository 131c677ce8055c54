/*
 * task-wait-for-edges: wait_for and wait at their edges.
 */
#include "support/scenario.h"

struct job {
    const char *name;
    int ms;
};

static int work(void *arg)
{
    const struct job *job = arg;

    trace("%s begins", job->name);
    int r = weft_sleep(WEFT_MS(job->ms));
    if (r == WEFT_ECANCELED) {
        trace("%s cancelled", job->name);
        return r;
    }
    return return_text(job->name);
}

static int fails(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "at once");
}

static void tell(int r, weft_value value)
{
    if (r == 0) {
        trace("%s", text_of(value));
    } else if (r == VALUE_ERROR) {
        trace("%s %s", err(r), message(r));
    } else {
        trace("%s", err(r));
    }
}

static int no_time(void)
{
    static struct job never = { "never", 0 };
    static struct job quick = { "done", 0 };
    static struct job slow = { "running", 60000 };
    weft_value value = weft_value_none();

    tell(weft_wait_for(weft_coro_create(work, &never), 0, &value), value);
    weft_task *done = spawn(work, &quick);
    WEFT_TRY(weft_await(done, NULL));
    tell(weft_wait_for(done, 0, &value), value);
    tell(weft_wait_for(done, WEFT_S(-1), &value), value);
    weft_task *failed = spawn(fails, NULL);
    wait_one(failed);
    tell(weft_wait_for(failed, 0, &value), value);
    weft_task *running = spawn(work, &slow);
    WEFT_TRY(weft_sleep(0));
    int r = weft_wait_for(running, 0, &value);
    trace("%s, cancelled %s", err(r), weft_future_cancelled(running) ? "True" : "False");
    weft_future_unref(done);
    weft_future_unref(failed);
    weft_future_unref(running);
    return 0;
}

static int own_timeout(void *arg)
{
    (void)arg;
    return weft_fail(WEFT_ETIMEDOUT, "its own");
}

static int others(void)
{
    static struct job slow = { "victim", 60000 };
    weft_task *victim = spawn(work, &slow);

    MUST(weft_loop_call_later(NULL, WEFT_MS(10), cancel_it, victim, NULL));
    int r = weft_wait_for(victim, WEFT_S(60), NULL);
    trace("%s, own %d", err(r), weft_task_cancelling(weft_current_task()));
    weft_future_unref(victim);
    r = weft_wait_for(weft_coro_create(own_timeout, NULL), WEFT_S(60), NULL);
    trace("%s %s", err(r), message(r));
    return 0;
}

/* How many are done of <n> different ones. */
static void tell_counts(int n_done, int n)
{
    trace("done %d pending %d", n_done, n - n_done);
}

static int duplicates(void)
{
    weft_future *f = make_future();
    weft_future *g = make_future();
    weft_future *ffg[] = { f, f, g };
    weft_future *fgf[] = { f, g, f };

    MUST(weft_loop_call_soon(NULL, open_gate, f, NULL));
    tell_counts(weft_wait(ffg, 3, WEFT_MS(10), WEFT_ALL_COMPLETED), 2);
    tell_counts(weft_wait(fgf, 3, WEFT_FOREVER, WEFT_FIRST_COMPLETED), 2);
    int r = weft_wait(&f, 1, WEFT_FOREVER, (enum weft_wait_mode)7);
    if (r < 0) {
        trace("%s", err(r));
    }
    tell_counts(weft_wait(&g, 1, 0, WEFT_ALL_COMPLETED), 1);
    weft_future_cancel(g, NULL);
    weft_future_unref(f);
    weft_future_unref(g);
    return 0;
}

static int fail_it(void *future)
{
    return weft_future_set_exception(future, VALUE_ERROR, "b");
}

static int first_exception(void)
{
    weft_future *all[] = { make_future(), make_future(), make_future() };

    MUST(weft_loop_call_later(NULL, WEFT_MS(10), cancel_it, all[0], NULL));
    MUST(weft_loop_call_later(NULL, WEFT_MS(20), fail_it, all[1], NULL));
    int n_done = weft_wait(all, 3, WEFT_FOREVER, WEFT_FIRST_EXCEPTION);
    trace("done %d pending %d b %s", n_done, 3 - n_done, err(weft_future_exception(all[1], NULL)));
    weft_future_cancel(all[2], NULL);
    drop_all(all, 3);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(no_time());
    WEFT_TRY(others());
    WEFT_TRY(duplicates());
    return first_exception();
}

int main(void)
{
    return scenario_main(story);
}
