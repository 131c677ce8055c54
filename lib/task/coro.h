#ifndef WF_TASK_CORO_H
#define WF_TASK_CORO_H

/*
 * The inside of a coroutine object: a function, its argument, and whoever made
 * it, so that one that is never handed over is reported.
 *
 * Until it is taken it stands in its maker's list: the running task's, else the
 * list of the thread's loop, else one global list that is looked at when the
 * process ends.
 */

#include "base/list.h"
#include "weft/coro.h"
#include "weft/future.h"

#include <stdbool.h>
#include <stdint.h>

struct weft_coro {
    uint32_t magic; /* WF_CORO_MAGIC (future/future.h): told from a future by it */
    weft_coro_fn *fn;
    void *arg;
    weft_destroy_fn *destroy; /* of arg, if the body never runs */
    const weft_origin *origin;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    struct wf_list link;          /* in its maker's list */
    bool is_global;               /* that list is the global one */
    bool is_marked;               /* by whoever looks for duplicates, while it looks */
};

/* The loop's memory goes. */
struct wf_task_state;
void wf_coro_free_cached(struct wf_task_state *state, size_t keep);

/* Is <awaitable> a coroutine object? NULL is not. */
bool wf_coro_is(const weft_awaitable *awaitable);
/* Whoever will run or drop it takes it: out of its maker's list. Any thread. */
void wf_coro_take(weft_coro *coro);
/* Undo that: whoever has it now may forget it, and then it is reported. This thread's objects. */
void wf_coro_put_back(weft_coro *coro);
/* Free a taken object whose body runs: the argument is the body's now. */
void wf_coro_free(weft_coro *coro);
/* Free a taken object whose body never runs: destroys the argument. No report. */
void wf_coro_drop(weft_coro *coro);
/* A call fails that takes any awaitable: drop a coroutine object, leave everything else alone. */
void wf_awaitable_drop(weft_awaitable *awaitable);

/* ---- several awaitables (several.c) --------------------------------------- */

/*
 * What a call that takes several checks before it changes anything: the array, the place for
 * its result, each future, and that all are of one loop, which the running one decides when
 * there are coroutine objects only.
 */
int wf_awaitables_check(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                        const void *out, weft_loop **out_loop);
/* It fails: drop the coroutine objects from <first> on, each once. */
void wf_awaitables_drop(weft_awaitable *const *awaitables, size_t first, size_t n);
/* Mark it; true when it was marked before: it is a duplicate. */
bool wf_awaitable_mark(weft_awaitable *awaitable);
void wf_awaitable_unmark(weft_awaitable *awaitable);
/* A coroutine object becomes a task, also by the loop's factory; a future gains a reference. */
int wf_awaitable_to_future(const weft_origin *origin, weft_loop *loop, weft_awaitable *awaitable,
                           weft_future **out_future);

/* ---- reports --------------------------------------------------------------- */

/* Report and drop all objects of a maker's list that ends. */
void wf_coro_report_all(struct wf_list *coros);
/* The name of the function that <origin>, of a coroutine object, tells; "?" without. */
const char *wf_coro_name(const weft_origin *origin);

#endif
