/*
 * The live stack of a culprit: see live_stack.h.
 *
 * The memory is static, since the monitor is the only one that uses it and some 40
 * KiB are too much for every process to spend on its stack.
 *
 * Thread: the monitor's.
 */

#include "inspect/live_stack.h"

#include "base/text.h"
#include "inspect/hold.h"
#include "inspect/memory.h"
#include "inspect/stack.h"

/* Shorter than what hold.h allows: the loop waits for the lock meanwhile, should it go on. */
#define BOUND WEFT_MS(8)

enum {
    N_TRIES = 3 /* it went on meanwhile */
};

static struct {
    bool is_prepared;
    struct wf_stack_sample sample;
    char bytes[WF_STACK_SLICE];
    struct wf_stack_text text;
} live;

void wf_live_stack_prepare(void)
{
    if (!live.is_prepared) {
        live.is_prepared = true;
        (void)wf_hold_prepare();  /* without: running threads show no stack */
        (void)wf_stack_prepare(); /* without: functions have no lines */
    }
}

void wf_live_stack_forget(void)
{
    if (live.is_prepared) {
        live.is_prepared = false;
        wf_stack_forget();
    }
}

static bool take_held(const weft_loop *loop, const struct wf_held *held, uint64_t n_run)
{
    struct wf_memory memory;

    if (held->state == WF_HOLD_LOOSE || held->state == WF_HOLD_GONE ||
        held->state == WF_HOLD_SELF || wf_memory_open(&memory, 0) != 0) {
        return false;
    }
    bool is_it = __atomic_load_n(&loop->n_run, __ATOMIC_ACQUIRE) == n_run;
    if (is_it) {
        /* Without bytes it still names one frame. */
        (void)wf_stack_take(&memory, &held->registers, 0, live.bytes, sizeof live.bytes,
                            &live.sample);
    }
    wf_memory_close(&memory);
    return is_it;
}

static bool take_once(const weft_loop *loop, int tid, uint64_t n_run)
{
    struct wf_held held = { .tid = tid };
    struct wf_hold hold;

    (void)wf_hold_begin(&hold, 0, &held, 1, BOUND); /* its state says how it went */
    bool is_taken = take_held(loop, &held, n_run);
    (void)wf_hold_end(&hold);
    return is_taken && !held.is_torn;
}

bool wf_live_stack_take(const weft_loop *loop, int tid, uint64_t n_run)
{
    for (int i = 0; i < N_TRIES; i++) {
        if (take_once(loop, tid, n_run)) {
            return true;
        }
    }
    return false;
}

void wf_live_stack_print(char *text, size_t size)
{
    struct wf_text lines;
    char line[256];

    wf_text_init(&lines, text, size);
    (void)wf_stack_symbolize(&live.sample, &live.text);
    wf_text_add(&lines, "  stack:\n");
    for (size_t i = 0; i < live.text.n; i++) {
        (void)wf_stack_print(&live.text, i, line, sizeof line);
        wf_text_add(&lines, "    %s\n", line);
    }
    if (live.text.note != NULL) {
        wf_text_add(&lines, "    (%s)\n", live.text.note);
    }
}
