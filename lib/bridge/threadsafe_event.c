/*
 * The threadsafe event: a flag, and a line that a set empties. Nothing is lost when
 * a woken waiter does not come.
 *
 * Thread: any.
 */

#include "base/alloc.h"
#include "bridge/threadsafe.h"

static weft_threadsafe_event *event_of(struct wf_shared *shared)
{
    return WF_CONTAINER_OF(shared, weft_threadsafe_event, shared);
}

static void hand_on(struct wf_shared *shared, struct wf_list *line)
{
    (void)shared; /* all were woken, there is nobody to take its place */
    (void)line;
}

static void destroy(struct wf_shared *shared)
{
    wf_free(event_of(shared));
}

static const struct wf_shared_ops ops = { "threadsafe event", 0x77665445u, hand_on, destroy };

int weft_threadsafe_event_create_at(const weft_origin *origin, weft_threadsafe_event **out_event)
{
    if (out_event == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the event");
    }
    weft_threadsafe_event *event = wf_new(weft_threadsafe_event);
    if (event == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a threadsafe event");
    }
    wf_shared_init(&event->shared, &ops, origin);
    wf_list_init(&event->line);
    *out_event = event;
    return 0;
}

weft_threadsafe_event *weft_threadsafe_event_ref(weft_threadsafe_event *event)
{
    return wf_shared_ref(event, &ops);
}

weft_threadsafe_event *weft_threadsafe_event_unref(weft_threadsafe_event *event)
{
    wf_shared_unref(event, &ops);
    return NULL;
}

static int change(weft_threadsafe_event *event, bool is_set)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_check(event, &ops);

    if (r < 0) {
        return r;
    }
    wf_shared_lock(&event->shared);
    event->is_set = is_set;
    while (is_set && !wf_list_is_empty(&event->line)) {
        (void)wf_shared_wake(&event->line, 0); /* or its loop has closed: out as well */
    }
    return wf_shared_leave(&event->shared, &stay, 0);
}

int weft_threadsafe_event_set(weft_threadsafe_event *event)
{
    return change(event, /* is_set = */ true);
}

int weft_threadsafe_event_clear(weft_threadsafe_event *event)
{
    return change(event, /* is_set = */ false);
}

int weft_threadsafe_event_is_set(weft_threadsafe_event *event)
{
    if (wf_shared_check(event, &ops) < 0) {
        return 0;
    }
    wf_shared_lock(&event->shared);
    bool is_set = event->is_set;
    wf_shared_unlock(&event->shared);
    return is_set;
}

int weft_threadsafe_event_wait(weft_threadsafe_event *event, weft_duration limit)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_enter(event, &ops);

    if (r < 0) {
        return r;
    }
    if (!event->is_set) {
        r = wf_shared_wait(&event->shared, &event->line, limit, &stay);
    }
    return wf_shared_leave(&event->shared, &stay, r);
}
