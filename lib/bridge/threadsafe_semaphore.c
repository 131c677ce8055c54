/*
 * The threadsafe semaphore: a release hands its place to the first in line, else
 * the number grows. A waiter that was handed one and does not come releases it.
 *
 * Invariant, whenever the mutex is let go: somebody is in line only when the number
 * is 0.
 *
 * Thread: any.
 */

#include "base/alloc.h"
#include "bridge/threadsafe.h"

static weft_threadsafe_semaphore *semaphore_of(struct wf_shared *shared)
{
    return WF_CONTAINER_OF(shared, weft_threadsafe_semaphore, shared);
}

/* With the mutex held. */
static void give_back(weft_threadsafe_semaphore *semaphore)
{
    while (!wf_list_is_empty(&semaphore->line)) {
        if (wf_shared_wake(&semaphore->line, 0)) {
            return;
        }
    }
    semaphore->value++;
}

static void hand_on(struct wf_shared *shared, struct wf_list *line)
{
    (void)line; /* there is one */
    give_back(semaphore_of(shared));
}

static void destroy(struct wf_shared *shared)
{
    wf_free(semaphore_of(shared));
}

static const struct wf_shared_ops ops = { "threadsafe semaphore", 0x77665453u, hand_on, destroy };

int weft_threadsafe_semaphore_create_at(const weft_origin *origin, int64_t value,
                                        weft_threadsafe_semaphore **out_semaphore)
{
    if (out_semaphore == NULL || value < 0) {
        return weft_fail_at(origin, WEFT_EINVAL,
                            out_semaphore == NULL ? "no place for the semaphore"
                                                  : "Semaphore initial value must be >= 0");
    }
    weft_threadsafe_semaphore *semaphore = wf_new(weft_threadsafe_semaphore);
    if (semaphore == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a threadsafe semaphore");
    }
    wf_shared_init(&semaphore->shared, &ops, origin);
    wf_list_init(&semaphore->line);
    semaphore->value = value;
    *out_semaphore = semaphore;
    return 0;
}

weft_threadsafe_semaphore *weft_threadsafe_semaphore_ref(weft_threadsafe_semaphore *semaphore)
{
    return wf_shared_ref(semaphore, &ops);
}

weft_threadsafe_semaphore *weft_threadsafe_semaphore_unref(weft_threadsafe_semaphore *semaphore)
{
    wf_shared_unref(semaphore, &ops);
    return NULL;
}

int weft_threadsafe_semaphore_acquire(weft_threadsafe_semaphore *semaphore, weft_duration limit)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_enter(semaphore, &ops);

    if (r < 0) {
        return r;
    }
    if (semaphore->value > 0) {
        semaphore->value--;
    } else {
        r = wf_shared_wait(&semaphore->shared, &semaphore->line, limit, &stay);
        if (r < 0 && stay.is_granted) {
            give_back(semaphore);
        }
    }
    return wf_shared_leave(&semaphore->shared, &stay, r);
}

int weft_threadsafe_semaphore_release(weft_threadsafe_semaphore *semaphore)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_check(semaphore, &ops);

    if (r < 0) {
        return r;
    }
    wf_shared_lock(&semaphore->shared);
    if (semaphore->value == INT64_MAX) {
        r = WEFT_EINVAL;
    } else {
        give_back(semaphore);
    }
    return wf_shared_leave(&semaphore->shared, &stay, r);
}

int64_t weft_threadsafe_semaphore_get_value(weft_threadsafe_semaphore *semaphore)
{
    if (wf_shared_check(semaphore, &ops) < 0) {
        return 0;
    }
    wf_shared_lock(&semaphore->shared);
    int64_t value = semaphore->value;
    wf_shared_unlock(&semaphore->shared);
    return value;
}
