/*
 * Judging a loop by looks at it, without a clock or a loop: see stall.h.
 *
 *     closed --seen working--> open --half the threshold--> flagged --threshold--> told, told again
 *        ^                       |                             |       when it has doubled
 *        `---another, or none----+-----------------------------'
 *
 * Invariant: what counts of a span never exceeds the time since it was first seen.
 *
 * Thread: none; they are values.
 */

#include "inspect/stall.h"

#include <stddef.h>

/* A look that comes so late is late, not more. */
#define TOLERANCE WEFT_MS(10)
/* Live reports of one span after the first. */
#define REPEAT     WEFT_S(1)
#define PERIOD     WEFT_S(60)
#define MAX_PERIOD WEFT_S(3600)

const char *wf_stall_cause_name(enum wf_stall_cause cause)
{
    switch (cause) {
    case WF_STALL_BUSY:
        return "busy";
    case WF_STALL_BLOCKED:
        return "blocked";
    case WF_STALL_DESCHEDULED:
        return "descheduled";
    }
    return "?";
}

weft_duration wf_stall_missed(weft_time planned, weft_time now, weft_duration own_delay)
{
    if (now <= planned) {
        return 0;
    }
    weft_duration late = now - planned - (own_delay > 0 ? own_delay : 0);
    return late > TOLERANCE ? late : 0;
}

/* ---- measuring ----------------------------------------------------------- */

static weft_duration at_most(weft_duration duration, weft_duration limit)
{
    weft_duration positive = duration > 0 ? duration : 0;

    return positive < limit ? positive : limit;
}

static weft_duration since(weft_duration now, weft_duration then)
{
    return now == WF_STALL_UNKNOWN || then == WF_STALL_UNKNOWN || now < then ? 0 : now - then;
}

void wf_stall_divide(weft_duration took, weft_duration cpu, weft_duration delay,
                     weft_duration missed, struct wf_stall_times *out_times)
{
    took = took > 0 ? took : 0;
    cpu = at_most(cpu, took); /* what was on the processor surely was not elsewhere */
    delay = at_most(delay, took - cpu);
    missed = at_most(missed, took - cpu - delay);
    weft_duration blocked = took - cpu - delay - missed;
    enum wf_stall_cause cause = cpu >= blocked ? WF_STALL_BUSY : WF_STALL_BLOCKED;
    if (delay + missed > cpu + blocked) {
        cause = WF_STALL_DESCHEDULED;
    }
    *out_times = (struct wf_stall_times){
        .took = took,
        .counted = cpu + blocked,
        .cpu = cpu,
        .blocked = blocked,
        .delay = delay,
        .missed = missed,
        .cause = cause,
    };
}

/* Make the parts larger in proportion, by <more> in all. */
static void stretch(struct wf_stall_times *times, weft_duration more)
{
    if (times->took <= 0 || more <= 0) {
        return;
    }
    double factor = 1.0 + (double)more / (double)times->took;
    times->cpu = (weft_duration)((double)times->cpu * factor);
    times->delay = (weft_duration)((double)times->delay * factor);
    times->blocked = (weft_duration)((double)times->blocked * factor);
    times->took = times->cpu + times->delay + times->blocked + times->missed;
}

void wf_stall_measure(const struct wf_stall_span *span, const struct wf_stall_sample *sample,
                      struct wf_stall_times *out_times)
{
    weft_duration missed = span->missed + (sample->missed > 0 ? sample->missed : 0);

    wf_stall_divide(sample->now - span->seen_at, since(sample->cpu, span->cpu),
                    since(sample->delay, span->delay), missed, out_times);
    if (sample->is_runnable) {
        weft_duration waits = at_most(sample->now - span->waiting_since, out_times->blocked);
        wf_stall_divide(out_times->took, out_times->cpu, out_times->delay + waits, missed,
                        out_times);
    }
    stretch(out_times, (span->seen_at - span->earliest) / 2);
}

/* ---- a look -------------------------------------------------------------- */

/* Whether the span that was open goes on; else it is closed, or another begins. */
static bool follow(struct wf_stall_span *span, const struct wf_stall_track *track,
                   const struct wf_stall_sample *sample, uint64_t number)
{
    if (!sample->is_working) {
        span->is_open = false;
        return false;
    }
    if (span->is_open && span->number == number) {
        span->missed += sample->missed;
        if (!sample->is_runnable) {
            span->waiting_since = sample->now;
        } else if (sample->cpu > track->last.cpu) {
            span->waiting_since = track->last.now; /* it ran since */
        }
        return true;
    }
    *span = (struct wf_stall_span){
        .is_open = true,
        .number = number,
        .earliest = track->has_last ? track->last.now + sample->missed : sample->now,
        .seen_at = sample->now,
        .waiting_since = sample->now,
        .cpu = sample->cpu,
        .delay = sample->delay,
    };
    return false;
}

static void tell(struct wf_stall_verdict *verdict, struct wf_stall_span *span, bool is_turn,
                 const struct wf_stall_times *times)
{
    verdict->told = span;
    verdict->is_turn = is_turn;
    verdict->times = *times;
}

static void look_again(struct wf_stall_verdict *verdict, weft_time when)
{
    if (when < verdict->next) {
        verdict->next = when;
    }
}

/* The span goes on: is it time to tell of it? */
static void judge(struct wf_stall_span *span, bool is_turn, const struct wf_stall_sample *sample,
                  weft_duration threshold, struct wf_stall_verdict *verdict)
{
    struct wf_stall_sample now = *sample;
    struct wf_stall_times times;

    now.missed = 0; /* the span has it already */
    wf_stall_measure(span, &now, &times);
    weft_duration counted = times.counted - span->told;
    weft_duration limit = span->n_told == 0 ? threshold : span->next_told;
    if (counted >= limit) {
        span->n_told++;
        span->next_told = counted - counted % REPEAT + REPEAT;
        verdict->is_loud = counted >= span->next_loud;
        if (verdict->is_loud) {
            span->next_loud = counted * 2 > REPEAT ? counted * 2 : REPEAT;
        }
        tell(verdict, span, is_turn, &times);
    } else if (!span->is_starvation_told && span->n_told == 0 && times.delay >= threshold &&
               times.delay >= REPEAT) {
        span->is_starvation_told = true;
        verdict->is_starved = true;
        tell(verdict, span, is_turn, &times);
    } else {
        look_again(verdict, sample->now + limit - counted);
    }
}

/* Is it time that the loop takes the exact end of <span>? */
static bool flag(struct wf_stall_span *span, const struct wf_stall_sample *sample,
                 weft_duration threshold)
{
    if (span->is_flagged || sample->now - span->seen_at - span->missed < threshold / 2) {
        return false;
    }
    span->is_flagged = true;
    return true;
}

static void count_idle(struct wf_stall_track *track, const struct wf_stall_sample *sample)
{
    bool is_idle = !sample->is_working && track->has_last && track->last.n_run == sample->n_run;

    track->n_idle = is_idle ? track->n_idle + 1 : 0;
}

/* What was told of work that has ended meanwhile is not told of its turn again. */
static void settle_work(struct wf_stall_track *track, const struct wf_stall_sample *sample)
{
    const struct wf_stall_span *work = &track->work;

    if (work->is_open && work->n_told > 0 && work->number != sample->n_run) {
        track->turn.told += sample->now - work->seen_at;
    }
}

void wf_stall_look(struct wf_stall_track *track, const struct wf_stall_sample *sample,
                   weft_duration threshold, struct wf_stall_verdict *out_verdict)
{
    *out_verdict = (struct wf_stall_verdict){ .next = sample->now + threshold / 4 };
    settle_work(track, sample);
    bool goes_on = follow(&track->work, track, sample, sample->n_run);
    bool turn_goes_on = follow(&track->turn, track, sample, sample->n_turns);

    if (turn_goes_on) {
        out_verdict->flags_turn = flag(&track->turn, sample, threshold);
    }
    if (goes_on) {
        out_verdict->flags_work = flag(&track->work, sample, threshold);
        judge(&track->work, /* is_turn = */ false, sample, threshold, out_verdict);
    }
    /* A turn that is long for its last piece of work alone is that one's. */
    if (turn_goes_on && out_verdict->told == NULL && track->work.n_told == 0 &&
        track->work.seen_at - track->turn.seen_at > threshold / 2) {
        judge(&track->turn, /* is_turn = */ true, sample, threshold, out_verdict);
    }
    count_idle(track, sample);
    track->last = *sample;
    track->has_last = true;
}

/* ---- not too often --------------------------------------------------------- */

/* Begin the next period; it is a plain one unless the last was used up. */
static void turn_over(struct wf_stall_limit *limit, weft_time now)
{
    bool is_used_up = limit->since != 0 && limit->n >= WF_STALL_PER_PERIOD &&
                      now - limit->since < 2 * limit->period;
    weft_duration doubled = limit->period * 2 < MAX_PERIOD ? limit->period * 2 : MAX_PERIOD;

    limit->period = is_used_up ? doubled : PERIOD;
    limit->since = now;
    limit->n = 0;
}

bool wf_stall_may_pass(struct wf_stall_limit *limit, weft_time now, unsigned *out_kept)
{
    if (limit->since == 0 || now - limit->since >= limit->period) {
        turn_over(limit, now);
    }
    if (limit->n >= WF_STALL_PER_PERIOD) {
        limit->n_kept++;
        return false;
    }
    limit->n++;
    *out_kept = limit->n_kept;
    limit->n_kept = 0;
    return true;
}
