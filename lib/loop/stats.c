/*
 * What a loop measures of itself, and handing it out.
 *
 * The poll says when it is about to ask the kernel and when it is back (poller.c):
 *
 *     resume --turns--> pause  sleep  resume --turns--> pause  look  resume ...
 *
 * What lies between a resume and the next pause is one entry of the histogram of
 * turns, mostly one turn. Turns that ask the kernel nothing, as those of tasks that
 * only wait for each other, read no clock: several of them make one entry.
 *
 * Invariant: one thread writes, with relaxed stores of whole numbers, so anybody may
 * read at any time, also of a loop that is stuck.
 *
 * Thread: the loop's, but for the getter and the count of tasks.
 */

#include "loop/loop.h"

#include "base/log.h"
#include "base/options.h"

#define GET(field)        __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

void wf_loop_meter_pause(weft_loop *loop, weft_time now)
{
    struct wf_loop_meter *meter = &loop->meter;

    if (meter->resumed_at != 0) {
        wf_histogram_add_shared(&meter->turn, now - meter->resumed_at);
        SET(meter->resumed_at, 0);
    }
    SET(meter->n_ready, loop->n_run - meter->n_run_then);
    SET(meter->n_timers, (uint64_t)loop->timers.n_entries);
    meter->n_run_then = loop->n_run;
}

void wf_loop_meter_resume(weft_loop *loop, weft_time now)
{
    loop->polled_at = now;
    SET(loop->meter.resumed_at, now);
}

void wf_loop_meter_stop(weft_loop *loop)
{
    SET(loop->meter.resumed_at, 0);
}

size_t wf_loop_count_tasks(const weft_loop *loop)
{
    const struct wf_loop_meter *meter = &loop->meter;
    uint64_t n_ended =
        GET(meter->n_tasks_finished) + GET(meter->n_tasks_cancelled) + GET(meter->n_tasks_failed);
    uint64_t n_made = GET(meter->n_tasks_made);

    return n_made > n_ended ? (size_t)(n_made - n_ended) : 0;
}

/* Any thread: the owner is not asked for. */
static int check(const weft_loop *loop)
{
    return loop != NULL && loop->magic == WF_LOOP_MAGIC && loop->forks == wf_fork_generation
               ? 0
               : wf_loop_refuse(loop);
}

int weft_loop_get_stats(const weft_loop *loop, weft_loop_stats *out_stats)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    int r = check(loop);
    if (r < 0) {
        return r;
    }
    const struct wf_loop_meter *meter = &loop->meter;
    weft_time resumed_at = GET(meter->resumed_at);
    weft_time now = resumed_at != 0 ? weft_clock_now() : 0;
    weft_loop_stats stats = {
        .size = sizeof stats,
        .n_turns = GET(loop->n_turns),
        .n_run = GET(loop->n_run),
        .n_tasks = wf_loop_count_tasks(loop),
        .n_tasks_finished = GET(meter->n_tasks_finished),
        .n_tasks_cancelled = GET(meter->n_tasks_cancelled),
        .n_tasks_failed = GET(meter->n_tasks_failed),
        .n_tasks_made = GET(meter->n_tasks_made),
        .busy_for = now > resumed_at ? now - resumed_at : 0,
        .n_ready = GET(meter->n_ready),
        .n_timers = GET(meter->n_timers),
        .n_late_polls = GET(meter->n_late_polls),
    };
    wf_histogram_read_shared(&meter->poll_asked, &stats.poll_asked);
    wf_histogram_read_shared(&meter->poll_actual, &stats.poll_actual);
    wf_histogram_read_shared(&meter->turn, &stats.turn);
    wf_histogram_read_shared(&meter->lag, &stats.lag);
    return wf_stats_write("loop statistics", out_stats, &stats, sizeof stats);
}
