/*
 * 152-lock-released-on-error: Leaving the locked section by an error or by cancellation releases
 * the lock.
 */
#include "support/scenario.h"

struct section {
    weft_lock *lock;
    const char *action;
};

static int inside(const struct section *section)
{
    if (section->action[0] == 'f') {
        return weft_fail(VALUE_ERROR, "inside");
    }
    return weft_sleep(WEFT_S(60));
}

static int section(void *arg)
{
    const struct section *me = arg;

    WEFT_TRY(weft_lock_acquire(me->lock));
    int r = inside(me);
    MUST(weft_lock_release(me->lock));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    struct section sections[] = { { lock, "fail" }, { lock, "sleep" } };

    for (int i = 0; i < 2; i++) {
        weft_task *task = spawn(section, &sections[i]);

        WEFT_TRY(weft_sleep(0));
        (void)weft_task_cancel(task, NULL); /* refused for the one that has failed */
        int r = join(task, NULL);
        if (r < 0) {
            trace("%s %s locked=%d", sections[i].action, err(r), weft_lock_locked(lock));
        }
    }
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}
