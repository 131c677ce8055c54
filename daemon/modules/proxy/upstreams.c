/*
 * Which of several servers is asked next. See upstreams.h.
 */

#include "upstreams.h"

#include "weft/error.h"

#include <stdlib.h>
#include <string.h>

static int add(struct upstreams *upstreams, char *origin)
{
    if (upstreams->n == MAX_UPSTREAMS) {
        return weft_fail(WEFT_EINVAL, "there are more than %d upstreams", MAX_UPSTREAMS);
    }
    upstreams->all[upstreams->n++] = (struct upstream){ .origin = origin };
    return 0;
}

int upstreams_init(struct upstreams *upstreams, const char *list, unsigned fail_after,
                   weft_duration fail_for)
{
    char *rest = NULL;

    *upstreams = (struct upstreams){ .fail_after = fail_after, .fail_for = fail_for };
    upstreams->text = strdup(list);
    if (upstreams->text == NULL) {
        return WEFT_ENOMEM;
    }
    for (char *origin = strtok_r(upstreams->text, ", \t", &rest); origin != NULL;
         origin = strtok_r(NULL, ", \t", &rest)) {
        WEFT_TRY(add(upstreams, origin));
    }
    return upstreams->n > 0 ? 0 : weft_fail(WEFT_EINVAL, "the list of upstreams is empty");
}

void upstreams_fini(struct upstreams *upstreams)
{
    free(upstreams->text);
    upstreams->text = NULL;
    upstreams->n = 0;
}

struct upstream *upstreams_pick(struct upstreams *upstreams, weft_time now, const bool *tried)
{
    struct upstream *soonest = NULL;

    for (size_t i = 0; i < upstreams->n; i++) {
        size_t index = (upstreams->next + i) % upstreams->n;
        struct upstream *upstream = &upstreams->all[index];
        if (tried[index]) {
            continue;
        }
        if (upstream->out_until <= now) {
            upstreams->next = (index + 1) % upstreams->n;
            if (upstream->out_until > 0) {
                upstream->out_until = now + upstreams->fail_for; /* one request tries it */
            }
            return upstream;
        }
        if (soonest == NULL || upstream->out_until < soonest->out_until) {
            soonest = upstream;
        }
    }
    return soonest;
}

void upstreams_note_good(struct upstream *upstream)
{
    upstream->n_failures = 0;
    upstream->out_until = 0;
}

bool upstreams_note_bad(const struct upstreams *upstreams, struct upstream *upstream, weft_time now)
{
    bool was_out = upstream->out_until > 0;

    upstream->n_failures++;
    if (upstream->n_failures < upstreams->fail_after) {
        return false;
    }
    upstream->out_until = now + upstreams->fail_for;
    return !was_out;
}
