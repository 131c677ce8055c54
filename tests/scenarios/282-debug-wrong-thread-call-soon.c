/*
 * 282-debug-wrong-thread-call-soon: In debug mode call_soon, call_later and call_at from another
 * thread are RuntimeErrors; call_soon_threadsafe is fine.
 *
 * weft also reports such a call, at level ERROR; here only what the calls return is compared.
 */
#include "support/scenario.h"

enum {
    N_CALLS = 4
};

struct story {
    weft_loop *loop;
    int results[N_CALLS];
};

static int worker(void *arg)
{
    struct story *story = arg;
    weft_loop *loop = story->loop;

    story->results[0] = weft_loop_call_soon(loop, say, "must not run", NULL);
    story->results[1] = weft_loop_call_later(loop, 0, say, "must not run", NULL);
    story->results[2] = weft_loop_call_at(loop, 0, say, "must not run", NULL);
    story->results[3] = weft_loop_call_soon_threadsafe(loop, say, "handed over safely", NULL);
    return 0;
}

static int story(void *arg)
{
    static const char *const names[N_CALLS] = { "call_soon", "call_later", "call_at",
                                                "call_soon_threadsafe" };
    struct story story = { .loop = weft_get_running_loop() };

    (void)arg;
    MUST(weft_loop_set_slow_callback_duration(NULL, WEFT_S(10)));
    MUST(weft_loop_set_debug(NULL, WEFT_DEBUG_FULL));
    WEFT_TRY(weft_to_thread(worker, &story, NULL));
    for (int i = 0; i < N_CALLS; i++) {
        trace("%s %s", names[i], story.results[i] < 0 ? err(story.results[i]) : "accepted");
    }
    return 0;
}

int main(void)
{
    weft_log_set_level(WEFT_LOG_CRITICAL);
    return scenario_main_real(story);
}
