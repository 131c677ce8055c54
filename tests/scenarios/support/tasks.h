#ifndef WEFT_SCENARIO_TASKS_H
#define WEFT_SCENARIO_TASKS_H

/*
 * tasks.h: shorthands for tasks, futures and their values.
 *
 * They keep the scenarios as short as their models. What they wrap cannot fail
 * where they are used, or hands its result on.
 */

#include "weft/weft.h"

#include <stddef.h>

/** asyncio.create_task(fn(arg)) where it cannot fail. */
#define spawn(fn, arg) spawn_at(WEFT_ORIGIN(#fn), NULL, (fn), (arg), NULL)
/** The same with a name. */
#define spawn_named(fn, arg, name) spawn_at(WEFT_ORIGIN(#fn), NULL, (fn), (arg), (name))
/** loop.create_task(fn(arg), name=name) on a loop that need not run yet. */
#define spawn_on(loop, fn, arg, name) spawn_at(WEFT_ORIGIN(#fn), (loop), (fn), (arg), (name))
weft_task *spawn_at(const weft_origin *origin, weft_loop *loop, weft_coro_fn *fn, void *arg,
                    const char *name);

/** Await a future or task and give its reference back. */
int join(weft_future *future, weft_value *out_value);
/** asyncio.wait(futures). */
void wait_all(weft_future *const *futures, size_t n);
/** Wait for one task whose outcome does not matter here. */
void wait_one(weft_future *future);
/** Give references back. */
void drop_all(weft_future *const *futures, size_t n);

/** A pending future of the running loop. */
weft_future *make_future(void);
/** Finish a future with a text. */
void set_text(weft_future *future, const char *text);
/** return "text" from a coroutine. */
int return_text(const char *text);
/** The text in a value. */
const char *text_of(weft_value value);
/** The text that a finished future holds, which must be there. */
const char *result_text(weft_future *future);

#endif
