/*
 * The restart policy of a service's root task. See restart.h; there is no
 * clock, no allocation and no service here.
 */

#include "restart.h"

#include <stdbool.h>

/* How many of the remembered ends lie within <period> before <now>. */
static int64_t count_recent(const struct restart_state *state, int64_t now, int64_t period)
{
    size_t n = state->n_ends < RESTART_MAX_ENDS ? state->n_ends : RESTART_MAX_ENDS;
    int64_t n_recent = 0;

    for (size_t i = 0; i < n; i++) {
        n_recent += now - state->ends[i] < period;
    }
    return n_recent;
}

static int64_t next_wait(const struct config_restart *config, const struct restart_state *state,
                         bool is_first_in_row)
{
    if (is_first_in_row || state->wait == 0) {
        return config->backoff.first;
    }
    return state->wait > config->backoff.max / 2 ? config->backoff.max : state->wait * 2;
}

enum restart_verdict restart_decide(const struct config_restart *config,
                                    struct restart_state *state, int code, int64_t now,
                                    uint32_t random, int64_t *out_wait)
{
    int64_t tolerance = config->tolerance.count < RESTART_MAX_ENDS - 1 ? config->tolerance.count
                                                                       : RESTART_MAX_ENDS - 1;

    if (config->policy == CONFIG_POLICY_TEMPORARY ||
        (config->policy == CONFIG_POLICY_TRANSIENT && code == 0)) {
        return RESTART_NEVER;
    }

    bool is_first = count_recent(state, now, config->tolerance.period) == 0;
    state->ends[state->n_ends++ % RESTART_MAX_ENDS] = now;
    if (count_recent(state, now, config->tolerance.period) > tolerance) {
        return RESTART_GIVE_UP;
    }
    state->wait = next_wait(config, state, is_first);
    *out_wait = state->wait - (int64_t)((double)state->wait * (random % 1000) / 2000.0);
    return RESTART_AGAIN;
}
