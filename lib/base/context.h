#ifndef WF_BASE_CONTEXT_H
#define WF_BASE_CONTEXT_H

/*
 * The inside of context variables: what a frame holds.
 *
 * The values that running code sees are one immutable map, counted by references,
 * which its frame points to. Setting a variable makes a new map, so a copy of a
 * context is one more reference to the map that is there: none at all, NULL, for
 * programs without variables.
 *
 * A weft_context is an object that several share: its map changes for all of them.
 * A frame that shares one points to its `face`, which looks like a map and leads
 * to the object.
 *
 * References may be taken and given back on any thread; a map never changes, and a
 * weft_context is used by one thread at a time.
 */

#include "base/frame.h"
#include "weft/context.h"

/* A map, or the face of a weft_context. */
struct wf_vars;

/* NULL is passed through, here and below: it is the empty map. */
struct wf_vars *wf_vars_ref(struct wf_vars *vars);
/* May run the destructors of values. */
void wf_vars_drop(struct wf_vars *vars);
/* The slow half of wf_vars_copy: a reference to the map that <vars> stands for. */
struct wf_vars *wf_vars_copy_map(struct wf_vars *vars);
/* The face of <context>: a reference for a frame that is to share it. */
struct wf_vars *wf_vars_of_context(weft_context *context);
/* Let *<slot> share its values: a reference to the weft_context it now has; NULL without memory. */
weft_context *wf_vars_share(struct wf_vars **slot);

/* What a task or a callback made here and now is to see: a reference, or NULL. */
static inline struct wf_vars *wf_vars_copy_current(void)
{
    struct wf_frame *frame = wf_frame_running != NULL ? wf_frame_running : wf_frame_current();

    return __builtin_expect(frame->vars != NULL, 0) ? wf_vars_copy_map(frame->vars) : NULL;
}

/* The same for an explicit context; NULL: there is none. */
static inline struct wf_vars *wf_vars_for(weft_context *context)
{
    return context == NULL ? wf_vars_copy_current() : wf_vars_of_context(context);
}

/* Let the running code see <vars>, whose reference it takes; returns what it saw before. */
static inline struct wf_vars *wf_vars_swap(struct wf_vars *vars)
{
    struct wf_frame *frame = wf_frame_current();
    struct wf_vars *before = frame->vars;

    frame->vars = vars;
    return before;
}

/*
 * Who looks from outside, by reads that may fail: where the label's text lies that code which sees
 * <vars> has, or NULL. <read> copies <n> bytes and says whether it could; nothing else is
 * followed.
 */
typedef bool wf_vars_read_fn(const void *from, void *to, size_t n);
const char *wf_vars_find_label(const struct wf_vars *vars, wf_vars_read_fn *read);

/* Is <context> one, or NULL, which stands for none? 0 or WEFT_EINVAL, reported. */
int wf_context_check(const weft_context *context);

#endif
