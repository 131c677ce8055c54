/*
 * The pages of the http service. Each but the first two shows one way to work
 * without holding up the loop: blocking work in the executor, a coroutine on
 * another loop, a time limit around something slow.
 *
 * A page is a row of one table. Parameters are checked before anything starts.
 *
 * Thread: the loop's, in the connection's task; `block` on a thread of the
 * executor, `report_place` on another loop.
 */

#include "handlers.h"

#include "weft/bridge.h"
#include "weft/loop.h"
#include "weft/runtime.h"
#include "weft/task.h"
#include "weft/timeout.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_MS = 60000,
    NAME_SIZE = 16
};

typedef int page_fn(weft_http_request *request, weft_http_response *response,
                    const struct http_context *context);

/* ---- parameters ------------------------------------------------------------------- */

/*
 * The number <key>, <fallback> when it is not given. Anything else than a number from 0 to <max>
 * is answered with 400. Returns 1 with the number, 0 when it was answered.
 */
static int get_number(weft_http_request *request, weft_http_response *response, const char *key,
                      int64_t fallback, int64_t max, int64_t *out_number)
{
    int64_t number = fallback;
    int r = weft_http_request_get_query_int(request, key, &number);

    if ((r == 0 || r == -ENOENT) && number >= 0 && number <= max) {
        *out_number = number;
        return 1;
    }
    char text[128];
    snprintf(text, sizeof text, "bad request: %s must be a whole number from 0 to %lld\n", key,
             (long long)max);
    WEFT_TRY(weft_http_response_set_text(response, 400, text));
    return 0;
}

/* ---- / and /plaintext --------------------------------------------------------------- */

static int page_help(weft_http_request *request, weft_http_response *response,
                     const struct http_context *context)
{
    (void)request;
    (void)context;
    return weft_http_response_set_text(
        response, 200,
        "weft's http service\n\n"
        "/plaintext              a fixed text of 13 bytes\n"
        "/executor?ms=N          N ms of blocking work in the shared executor (default 10)\n"
        "/threadsafe?loop=N      a coroutine on loop N, awaited from this one (default: the next)\n"
        "/timeout?ms=N&work=M    work of M ms (default 1000) that is cut off after N ms (default "
        "100):\n"
        "                        504 \"timed out\", or 200 when the work was done in time\n");
}

static int page_plaintext(weft_http_request *request, weft_http_response *response,
                          const struct http_context *context)
{
    (void)request;
    (void)context;
    return http_answer_plaintext(response);
}

/* ---- /executor ------------------------------------------------------------------------ */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Blocking work, on a thread of the executor. The argument is a number of milliseconds. */
static int block(void *arg)
{
    int64_t ms = (int64_t)(intptr_t)arg;
    int64_t began = now_ns();
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    return weft_return_int(now_ns() - began);
}

static int page_executor(weft_http_request *request, weft_http_response *response,
                         const struct http_context *context)
{
    int64_t ms = 0;
    weft_future *future = NULL;
    weft_value value;

    if (get_number(request, response, "ms", 10, MAX_MS, &ms) == 0) {
        return 0;
    }
    int r =
        weft_loop_run_in_executor(NULL, context->executor, block, (void *)(intptr_t)ms, &future);
    if (r == WEFT_EQUEUEFULL) {
        return weft_http_response_set_text(response, 503, "the executor's queue is full\n");
    }
    WEFT_TRY(r);
    r = weft_await(future, &value);
    weft_future_unref(future);
    WEFT_TRY(r);
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "application/json"));
    return weft_http_response_printf(response, "{\"ms\":%lld,\"elapsed_ms\":%.3f}\n", (long long)ms,
                                     (double)value.as.num / 1e6);
}

/* ---- /threadsafe ----------------------------------------------------------------------- */

/* Where a coroutine runs. */
struct place {
    int loop;
    char thread[NAME_SIZE];
};

static void find_place(struct place *place)
{
    place->loop = weft_get_running_loop_index();
    if (pthread_getname_np(pthread_self(), place->thread, sizeof place->thread) != 0) {
        place->thread[0] = '\0';
    }
}

/* A coroutine that says where it runs. */
static int report_place(void *arg)
{
    (void)arg;
    struct place *place = malloc(sizeof *place);
    if (place == NULL) {
        return WEFT_ENOMEM;
    }
    find_place(place);
    return weft_return_ptr(place, free);
}

/* Run report_place on <loop> and wait for it on this one. */
static int ask_loop(weft_loop *loop, struct place *out_place)
{
    weft_concurrent_future *there = NULL;
    weft_future *here = NULL;
    weft_value value;

    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(report_place, NULL), loop, &there));
    int r = weft_wrap_future(there, NULL, &here);
    weft_concurrent_future_unref(there);
    WEFT_TRY(r);
    r = weft_await(here, &value);
    weft_future_unref(here);
    WEFT_TRY(r);
    memcpy(out_place, value.as.ptr, sizeof *out_place);
    weft_value_clear(&value);
    return 0;
}

static int page_threadsafe(weft_http_request *request, weft_http_response *response,
                           const struct http_context *context)
{
    weft_runtime *runtime = weft_get_running_runtime();
    struct place here = { 0 };
    struct place there = { 0 };
    int64_t index = 0;

    (void)context;
    if (runtime == NULL) {
        return weft_http_response_set_text(response, 501, "there is one loop only\n");
    }
    int n_loops = weft_runtime_get_n_loops(runtime);
    find_place(&here);
    if (get_number(request, response, "loop", (here.loop + 1) % n_loops, n_loops - 1, &index) ==
        0) {
        return 0;
    }
    WEFT_TRY(ask_loop(weft_runtime_get_loop(runtime, (int)index), &there));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "application/json"));
    return weft_http_response_printf(response,
                                     "{\"loop\":%d,\"thread\":\"%s\","
                                     "\"asked_from\":{\"loop\":%d,\"thread\":\"%s\"}}\n",
                                     there.loop, there.thread, here.loop, here.thread);
}

/* ---- /timeout ---------------------------------------------------------------------------- */

static int work(void *arg)
{
    return weft_sleep(WEFT_MS((int64_t)(intptr_t)arg));
}

static int page_timeout(weft_http_request *request, weft_http_response *response,
                        const struct http_context *context)
{
    int64_t ms = 0;
    int64_t work_ms = 0;

    (void)context;
    if (get_number(request, response, "ms", 100, MAX_MS, &ms) == 0 ||
        get_number(request, response, "work", 1000, MAX_MS, &work_ms) == 0) {
        return 0;
    }
    int r = weft_wait_for(weft_coro_create(work, (void *)(intptr_t)work_ms), WEFT_MS(ms), NULL);
    char text[96];
    if (r == WEFT_ETIMEDOUT) {
        snprintf(text, sizeof text, "timed out after %lld ms\n", (long long)ms);
        return weft_http_response_set_text(response, 504, text);
    }
    WEFT_TRY(r);
    snprintf(text, sizeof text, "finished within %lld ms\n", (long long)ms);
    return weft_http_response_set_text(response, 200, text);
}

/* ---- finding the page ----------------------------------------------------------------------- */

static const struct {
    const char *path;
    page_fn *page;
} pages[] = {
    { "/plaintext", page_plaintext }, { "/", page_help },
    { "/executor", page_executor },   { "/threadsafe", page_threadsafe },
    { "/timeout", page_timeout },
};

int http_handle(weft_http_request *request, weft_http_response *response, void *data)
{
    static const struct http_context defaults = { NULL };
    const char *path = weft_http_request_get_path(request);
    const char *method = weft_http_request_get_method(request);
    page_fn *page = NULL;

    for (size_t i = 0; i < sizeof pages / sizeof pages[0] && page == NULL; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            page = pages[i].page;
        }
    }
    if (page == NULL) {
        return weft_http_response_set_text(response, 404, "not found; / says what there is\n");
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        WEFT_TRY(weft_http_response_add_header(response, "Allow", "GET, HEAD"));
        return weft_http_response_set_text(response, 405, "only GET and HEAD\n");
    }
    return page(request, response, data == NULL ? &defaults : data);
}
