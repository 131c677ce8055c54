/*
 * Debug levels, and the timing of callbacks in level full.
 *
 * off and cheap read no clock per callback: the loop publishes what runs (loop.h,
 * n_run and current) and whoever watches it looks from outside. full takes wall
 * and processor time around each piece of work and reports the slow ones as
 * asyncio does. The text is made before the work runs, since it may be gone after.
 *
 * Thread: the loop's.
 */

#include "loop/loop.h"

#include "base/log.h"

#include <stdio.h>
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
    loop->debug = level;
    loop->times_callbacks = level == WEFT_DEBUG_FULL;
    if (level == WEFT_DEBUG_OFF) {
        wf_loop_meter_stop(loop);
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
    loop->slow_callback_duration = duration;
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

static void report_slow(weft_loop *loop, const struct wf_work_info *info, weft_duration took,
                        weft_duration busy)
{
    weft_report report = WEFT_REPORT_INIT;
    char message[384];

    (void)loop;
    snprintf(message, sizeof message, "Executing %s took %.3f seconds (%.3f on the processor)",
             info->object, (double)took / 1e9, (double)busy / 1e9);
    report.kind = WEFT_REPORT_SLOW_CALLBACK;
    report.message = message;
    report.subject = info->subject[0] != '\0' ? info->subject : NULL;
    report.origin = info->origin;
    wf_report(&report); /* asyncio logs it too, without asking the exception handler */
}

void wf_loop_run_timed(weft_loop *loop, struct wf_work *work)
{
    struct wf_work_info info;

    wf_loop_describe_work(loop, work, &info);
    weft_duration busy = thread_time();
    weft_time start = wf_loop_now(loop);
    work->run(work);
    weft_duration took = wf_loop_now(loop) - start;
    if (took >= loop->slow_callback_duration) {
        report_slow(loop, &info, took, thread_time() - busy);
    }
}
