/*
 * 100-wait-for-shielded: wait_for around a shield times out without harming the work, which can
 * be awaited afterwards.
 */
#include "support/scenario.h"

static int work(void *gate)
{
    WEFT_TRY(weft_await(gate, NULL));
    trace("work done");
    return return_text("value");
}

static int story(void *arg)
{
    (void)arg;
    weft_future *gate = make_future();
    weft_task *task = spawn(work, gate);
    weft_future *shield;
    weft_value value;

    MUST(weft_shield(task, &shield));
    int r = weft_wait_for(shield, WEFT_MS(20), NULL);
    if (r < 0) {
        trace("%s work done=%d", err(r), weft_future_done(task));
    }
    weft_future_unref(shield);
    MUST(open_gate(gate));
    WEFT_TRY(join(task, &value));
    trace("later %s", text_of(value));
    weft_future_unref(gate);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
