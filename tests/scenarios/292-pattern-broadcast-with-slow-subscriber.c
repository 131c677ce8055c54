/*
 * 292-pattern-broadcast-with-slow-subscriber: Messages go to several bounded subscriber queues; a
 * full one drops messages instead of holding up the others.
 */
#include "support/scenario.h"

#include <stdio.h>

struct subscriber {
    const char *name;
    weft_queue *q;
};

static void show_rest(const struct subscriber *subscriber)
{
    char line[64] = "";
    int used = 0;

    for (size_t n = weft_queue_qsize(subscriber->q); n > 0; n--) {
        used += snprintf(line + used, sizeof line - (size_t)used, " %d", get_number(subscriber->q));
    }
    trace("%s%s", subscriber->name, line);
}

static int story(void *arg)
{
    (void)arg;
    struct subscriber subscribers[] = { { "fast", make_queue(10) }, { "slow", make_queue(2) } };

    for (int n = 0; n < 4; n++) {
        for (int i = 0; i < 2; i++) {
            if (weft_queue_put_nowait(subscribers[i].q, weft_value_int(n)) == WEFT_EQUEUEFULL) {
                trace("dropped %d for %s", n, subscribers[i].name);
            }
        }
    }
    for (int i = 0; i < 2; i++) {
        show_rest(&subscribers[i]);
        WEFT_TRY(weft_queue_destroy(subscribers[i].q));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
