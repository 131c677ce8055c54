/*
 * shield: a future that follows another, but whose cancel stops here.
 *
 * Two callbacks, as in asyncio: the inner's end settles the outer, the outer's end
 * lets go of the inner, one turn later. An inner error in that turn is consumed;
 * a later one is nobody's and is reported when the inner is released.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "base/mutant.h"
#include "task/coro.h"
#include "task/waits.h"
#include "weft/group.h"

static void copy_outcome(struct wf_shield *shield)
{
    weft_future *inner = shield->inner;
    weft_value value = weft_value_none();

    if (inner->state == WF_FUTURE_CANCELLED) {
        wf_future_set_cancelled(&shield->outer, NULL);
    } else if (inner->code < 0) {
        wf_future_set_retrieved(inner);
        wf_future_fail(&shield->outer, inner->code,
                       inner->error != NULL ? wf_error_ref(inner->error) : NULL);
    } else {
        (void)wf_future_take(inner, &value); /* taken by somebody else: none is left to hand on */
        wf_future_finish(&shield->outer, value);
    }
}

static void on_inner_done(struct wf_future_callback *callback)
{
    struct wf_shield *shield = WF_CONTAINER_OF(callback, struct wf_shield, inner_done);

    if (!wf_future_is_done(&shield->outer)) {
        copy_outcome(shield);
    } else {
        wf_future_set_retrieved(shield->inner);
    }
    (void)weft_future_unref(&shield->outer); /* that of inner_done; always NULL */
}

/* The loop closes. */
static void drop_inner_done(struct wf_future_callback *callback)
{
    struct wf_shield *shield = WF_CONTAINER_OF(callback, struct wf_shield, inner_done);

    (void)weft_future_unref(&shield->outer); /* that of inner_done; always NULL */
}

static void on_outer_done(struct wf_future_callback *callback)
{
    struct wf_shield *shield = WF_CONTAINER_OF(callback, struct wf_shield, outer_done);

    if (WF_MUTANT("shield-lets-cancel-through")) {
        (void)wf_future_request_cancel(shield->inner, NULL); /* refused when it is done */
    }
    if (wf_future_remove_callback(&shield->inner_done)) {
        shield->inner = weft_future_unref(shield->inner); /* NULL: it is nobody's from here on */
        (void)weft_future_unref(&shield->outer);          /* that of inner_done; always NULL */
    }
}

static void destroy_shield(weft_future *future)
{
    struct wf_shield *shield = (struct wf_shield *)(void *)future;

    (void)weft_future_unref(shield->inner); /* always NULL */
    wf_free(shield);
}

static const struct wf_future_ops shield_ops = {
    .tag = WF_FUTURE_SHIELD,
    .kind = "Future",
    .destroy = destroy_shield,
    .is_sealed = true,
};

int weft_shield_at(const weft_origin *origin, weft_awaitable *awaitable, weft_future **out_future)
{
    weft_future *inner;
    struct wf_shield *shield = wf_alloc(sizeof *shield); /* first: nothing runs when it fails */

    if (shield == NULL || out_future == NULL) {
        wf_awaitable_drop(awaitable);
        wf_free(shield);
        return out_future == NULL ? weft_fail_at(origin, WEFT_EINVAL, "no place for the future")
                                  : weft_fail_at(origin, WEFT_ENOMEM, "no memory for a shield");
    }
    int r = weft_ensure_future_at(origin, awaitable, &inner);
    if (r < 0) {
        wf_free(shield);
        return r;
    }
    if (wf_future_is_done(inner)) {
        wf_free(shield);
        *out_future = inner;
        return 0;
    }
    wf_future_init(&shield->outer, inner->loop, &shield_ops, origin);
    shield->inner = inner;
    shield->inner_done.run = on_inner_done;
    shield->inner_done.drop = drop_inner_done;
    shield->outer_done.run = on_outer_done;
    shield->outer_done.drop = NULL;
    shield->outer.n_refs++; /* until inner_done has run or is removed */
    wf_future_add_callback(inner, &shield->inner_done);
    wf_future_add_callback(&shield->outer, &shield->outer_done);
    *out_future = &shield->outer;
    return 0;
}
