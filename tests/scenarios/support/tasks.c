/*
 * Shorthands for tasks, futures and their values.
 */

#include "tasks.h"

#include "trace.h"

weft_task *spawn_at(const weft_origin *origin, weft_loop *loop, weft_coro_fn *fn, void *arg,
                    const char *name)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task *task = NULL;

    options.name = name;
    MUST(weft_loop_create_task_at(origin, loop, weft_coro_create_at(origin, fn, arg, NULL),
                                  &options, &task));
    return task;
}

int join(weft_future *future, weft_value *out_value)
{
    int r = weft_await(future, out_value);

    weft_future_unref(future);
    return r;
}

void wait_all(weft_future *const *futures, size_t n)
{
    MUST(weft_wait(futures, n, WEFT_FOREVER, WEFT_ALL_COMPLETED));
}

void wait_one(weft_future *future)
{
    wait_all(&future, 1);
}

void drop_all(weft_future *const *futures, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weft_future_unref(futures[i]);
    }
}

weft_future *make_future(void)
{
    return MUST_HAVE(weft_loop_create_future(NULL));
}

void set_text(weft_future *future, const char *text)
{
    MUST(weft_future_set_result(future, weft_value_ptr((void *)text, NULL)));
}

int return_text(const char *text)
{
    return weft_return_ptr((void *)text, NULL);
}

const char *text_of(weft_value value)
{
    return value.as.ptr;
}

const char *result_text(weft_future *future)
{
    weft_value value = weft_value_none();

    MUST(weft_future_result(future, &value));
    return text_of(value);
}
