/*
 * Loop, tasks, executor and every crossing of threads on AArch64, without libuv
 * and sockets: what stands directly on the switch and on the memory model.
 * Exits with 0, or prints what is wrong.
 */

#include "weft/weft.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static int n_wrong;

static void check(bool holds, const char *what)
{
    if (!holds) {
        printf("tasks: %s\n", what);
        n_wrong++;
    }
}

enum {
    N_TASKS = 200,
    N_POSTS = 5000,
    N_JOBS = 500
};

/* ---- tasks that sleep and give way -------------------------------------- */

static int add_up(void *arg)
{
    int64_t n = (int64_t)(intptr_t)arg;
    int64_t sum = 0;

    for (int64_t i = 1; i <= n; i++) {
        sum += i;
        WEFT_TRY(weft_sleep(i % 10 == 0 ? WEFT_US(100) : 0));
    }
    return weft_return_int(sum);
}

static int run_tasks(void *arg)
{
    weft_task *tasks[N_TASKS];

    (void)arg;
    for (int64_t i = 0; i < N_TASKS; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(add_up, (void *)(intptr_t)i), &tasks[i]));
    }
    for (int64_t i = 0; i < N_TASKS; i++) {
        weft_value sum = weft_value_none();
        WEFT_TRY(weft_await(tasks[i], &sum));
        check(sum.as.num == i * (i + 1) / 2, "a task has a wrong sum");
        weft_future_unref(tasks[i]);
    }
    return 0;
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_S(3600));
}

static int cancel_one(void *arg)
{
    weft_task *task;

    (void)arg;
    WEFT_TRY(weft_create_task(weft_coro_create(sleep_long, NULL), &task));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_task_cancel(task, "enough"));
    check(weft_await(task, NULL) == WEFT_ECANCELED, "a cancelled task was not");
    weft_future_unref(task);
    return 0;
}

/* ---- the executor ------------------------------------------------------- */

static int square(void *arg)
{
    int64_t number = (int64_t)(intptr_t)arg;

    return weft_return_int(number * number);
}

static int run_jobs(void *arg)
{
    weft_future *jobs[N_JOBS];

    (void)arg;
    for (int64_t i = 0; i < N_JOBS; i++) {
        WEFT_TRY(weft_loop_run_in_executor(NULL, NULL, square, (void *)(intptr_t)i, &jobs[i]));
    }
    for (int64_t i = 0; i < N_JOBS; i++) {
        weft_value result = weft_value_none();
        WEFT_TRY(weft_await(jobs[i], &result));
        check(result.as.num == i * i, "a job has a wrong result");
        weft_future_unref(jobs[i]);
    }
    return weft_loop_shutdown_default_executor(NULL, WEFT_FOREVER);
}

/* ---- from another thread ------------------------------------------------ */

struct crossing {
    weft_loop *loop;
    weft_future *over;
    int64_t n_arrived;
    int64_t sum; /* plain: written by one thread, read by the loop after its post */
    bool ok;
};

static int arrive(void *data)
{
    struct crossing *crossing = data;

    crossing->n_arrived++;
    return 0;
}

static int finish(void *data)
{
    struct crossing *crossing = data;

    return weft_future_set_result(crossing->over, weft_value_none());
}

static int answer(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_US(200)));
    return weft_return_int(42);
}

static void *post(void *data)
{
    struct crossing *crossing = data;
    weft_concurrent_future *future = NULL;
    weft_value value = weft_value_none();

    crossing->ok = true;
    for (int64_t i = 0; i < N_POSTS; i++) {
        crossing->sum += i;
        int r = weft_loop_call_soon_threadsafe(crossing->loop, arrive, crossing, NULL);
        crossing->ok = crossing->ok && r == 0;
    }
    int r = weft_run_coroutine_threadsafe(weft_coro_create(answer, NULL), crossing->loop, &future);
    if (r == 0) {
        r = weft_concurrent_future_result(future, WEFT_FOREVER, &value);
    }
    crossing->ok = crossing->ok && r == 0 && value.as.num == 42;
    weft_concurrent_future_unref(future);
    (void)weft_loop_call_soon_threadsafe(crossing->loop, finish, crossing, NULL);
    return NULL;
}

static int cross(void *arg)
{
    struct crossing crossing = { .loop = weft_get_running_loop() };
    pthread_t thread;

    (void)arg;
    crossing.over = weft_loop_create_future(NULL);
    if (crossing.over == NULL || pthread_create(&thread, NULL, post, &crossing) != 0) {
        return WEFT_ENOMEM;
    }
    WEFT_TRY(weft_await(crossing.over, NULL));
    pthread_join(thread, NULL);
    weft_future_unref(crossing.over);
    check(crossing.ok, "a call from another thread failed");
    check(crossing.n_arrived == N_POSTS, "a post was lost");
    check(crossing.sum == (int64_t)N_POSTS * (N_POSTS - 1) / 2, "a post overtook its data");
    return 0;
}

static int run_all(void *arg)
{
    WEFT_TRY(run_tasks(arg));
    WEFT_TRY(cancel_one(arg));
    WEFT_TRY(run_jobs(arg));
    WEFT_TRY(cross(arg));
    return 0;
}

int main(void)
{
    weft_loop *loop;
    int r = weft_new_event_loop(NULL, &loop);

    if (r == 0) {
        r = weft_loop_run_until_complete(loop, weft_coro_create(run_all, NULL), NULL);
    }
    if (r < 0) {
        printf("tasks: %s: %s\n", weft_error_name(r), weft_current_message(r));
        return 1;
    }
    check(weft_loop_close(loop) == 0, "the loop does not close");
    weft_loop_unref(loop);
    return n_wrong == 0 ? 0 : 1;
}
