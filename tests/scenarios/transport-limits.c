/*
 * transport-limits: The defaults of the water marks, each given alone, both, zero, and the wrong
 * way round; lowering them below what is queued pauses at once.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    SIZE = 50000,
    NONE = -1
};

static void set_and_show(weft_transport *t, int high, int low)
{
    size_t now_low;
    size_t now_high;

    int r =
        weft_transport_set_write_buffer_limits(t, high == NONE ? WEFT_WATER_DEFAULT : (size_t)high,
                                               low == NONE ? WEFT_WATER_DEFAULT : (size_t)low);
    if (r < 0) {
        trace("%s", err(r));
    }
    MUST(weft_transport_get_write_buffer_limits(t, &now_low, &now_high));
    trace("low %zu high %zu", now_low, now_high);
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a" };
    char *bytes = MUST_HAVE(calloc(1, SIZE));
    int peer = connect_tracer(&a);
    weft_transport *t = a.transport;

    set_and_show(t, NONE, NONE);
    set_and_show(t, 1000, NONE);
    set_and_show(t, NONE, 1000);
    set_and_show(t, 1000, 1000);
    set_and_show(t, 1000, 1001);
    set_and_show(t, 0, NONE);
    set_and_show(t, NONE, NONE);
    MUST(weft_transport_write(t, bytes, SIZE));
    free(bytes);
    trace("queued %d", weft_transport_get_write_buffer_size(t) > 0);
    set_and_show(t, 10, NONE);
    set_and_show(t, 5, NONE);
    MUST(weft_transport_abort(t));
    trace("queued %d", weft_transport_get_write_buffer_size(t) > 0);
    WEFT_TRY(turns(2));
    close(peer);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
