/*
 * subprocess-gather-communicates: several programs talk at once; results come in the order of the
 * arguments.
 */
#include "support/scenario.h"

#include <string.h>

struct talk {
    const char *line;
    const char *text;
};

static int run(void *arg)
{
    const struct talk *self = arg;
    weft_process *proc = start_shell(self->line, PIPE_IN | PIPE_OUT);
    weft_bytes *out;

    WEFT_TRY(weft_process_communicate(proc, self->text, strlen(self->text), &out, NULL));
    weft_process_destroy(proc);
    return weft_return_ptr(out, weft_bytes_destroy);
}

static const char *text_at(const weft_outcomes *outcomes, size_t i)
{
    return ((const weft_bytes *)outcomes->items[i].value.as.ptr)->data;
}

static int story(void *arg)
{
    (void)arg;
    static struct talk talks[] = { { "sleep 0.06; cat", "slow" },
                                   { "sleep 0; cat", "fast" },
                                   { "sleep 0.03; cat", "middle" } };
    weft_awaitable *coros[3];
    weft_future *all;
    weft_value value;

    for (size_t i = 0; i < 3; i++) {
        coros[i] = weft_coro_create(run, &talks[i]);
    }
    WEFT_TRY(weft_gather(coros, 3, 0, &all));
    WEFT_TRY(join(all, &value));
    trace("['%s', '%s', '%s']", text_at(value.as.ptr, 0), text_at(value.as.ptr, 1),
          text_at(value.as.ptr, 2));
    weft_value_clear(&value);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
