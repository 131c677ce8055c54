/*
 * Debug levels, and the timing of callbacks in level full.
 *
 * off and cheap read no clock per callback: the loop publishes what runs (loop.h,
 * n_run and current) and whoever watches it looks from outside. full takes wall
 * and processor time around each piece of work and reports the slow ones as
 * asyncio does. A task is kept while its step runs and described after, which few need;
 * other work may be gone by then, so that its text is made before.
 *
 * Thread: the loop's.
 */

#include "loop/loop.h"

#include "base/log.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

/* ---- the level ---------------------------------------------------------- */

enum weft_debug_level wf_loop_debug_default(void)
{
    static const char *const off[] = { "0", "no", "off", "false", NULL };
    const char *text = getenv("WEFT_DEBUG");

    if (text == NULL || text[0] == '\0' || strcasecmp(text, "cheap") == 0) {
        return WEFT_DEBUG_CHEAP;
    }
    for (const char *const *word = off; *word != NULL; word++) {
        if (strcasecmp(text, *word) == 0) {
            return WEFT_DEBUG_OFF;
        }
    }
    return WEFT_DEBUG_FULL;
}

int weft_loop_set_debug(weft_loop *loop, enum weft_debug_level level)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    if (level != WEFT_DEBUG_OFF && level != WEFT_DEBUG_CHEAP && level != WEFT_DEBUG_FULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%d is not a debug level", (int)level);
    }
    __atomic_store_n(&loop->debug, level, __ATOMIC_RELAXED);
    if (level == WEFT_DEBUG_FULL) {
        wf_loop_ask_attention(loop, WF_ATTENTION_TIMING);
    } else {
        wf_loop_clear_attention(loop, WF_ATTENTION_TIMING);
    }
    loop->watch.offered_on = 0; /* offered anew by the next run */
    if (level == WEFT_DEBUG_OFF) {
        wf_loop_watcher.end(loop);
        wf_loop_meter_stop(loop);
    } else if (loop->is_running) {
        wf_loop_offer(loop);
    }
    return 0;
}

/* Getters cannot write to the loop, so the running one is found by hand. */
static const weft_loop *resolve_const(const weft_loop *loop)
{
    const weft_loop *found = loop != NULL ? loop : wf_loop_running;

    return wf_loop_check(found) == 0 ? found : NULL;
}

enum weft_debug_level weft_loop_get_debug(const weft_loop *loop)
{
    const weft_loop *found = resolve_const(loop);

    return found != NULL ? found->debug : WEFT_DEBUG_OFF;
}

int weft_loop_set_slow_callback_duration(weft_loop *loop, weft_duration duration)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    if (duration < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a duration cannot be negative");
    }
    __atomic_store_n(&loop->slow_callback_duration, duration, __ATOMIC_RELAXED);
    return 0;
}

weft_duration weft_loop_get_slow_callback_duration(const weft_loop *loop)
{
    const weft_loop *found = resolve_const(loop);

    return found != NULL ? found->slow_callback_duration : 0;
}

/* ---- timing ------------------------------------------------------------- */

void wf_loop_describe_work(weft_loop *loop, const struct wf_work *work, struct wf_work_info *info)
{
    *info = (struct wf_work_info){ "<work of the library>", "", NULL };
    for (size_t i = 0; i < WF_LOOP_MAX_KINDS && loop->kinds[i] != NULL; i++) {
        if (loop->kinds[i]->run == work->run && loop->kinds[i]->describe != NULL) {
            loop->kinds[i]->describe(work, info);
            return;
        }
    }
}

static weft_duration thread_time(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for the own thread */
    return (weft_duration)now.tv_sec * 1000000000 + now.tv_nsec;
}

void wf_loop_run_timed(weft_loop *loop, struct wf_work *work)
{
    const struct wf_work_holder *holder =
        loop->holder != NULL && loop->holder->run == work->run ? loop->holder : NULL;
    struct wf_work_times times;
    struct wf_work_info info;

    if (holder != NULL) {
        holder->hold(work);
    } else {
        wf_loop_describe_work(loop, work, &info);
    }
    weft_duration busy = thread_time();
    weft_duration naming = wf_creation_time(); /* for reports it makes */
    times.start = wf_loop_now(loop);
    work->run(work);
    times.start += wf_creation_time() - naming;
    times.end = wf_loop_now(loop);
    /* The exact end is known: the watcher need not be told. */
    wf_loop_clear_attention(loop, WF_ATTENTION_WORK);
    if (times.end - times.start >= loop->slow_callback_duration) {
        times.cpu = thread_time() - busy;
        if (holder != NULL) {
            wf_loop_describe_work(loop, work, &info);
        }
        wf_loop_watcher.note_slow(loop, &info, &times);
    }
    if (holder != NULL) {
        holder->let_go(work);
    }
}
