/* A pipeline over two loops: loop 1 makes words, loop 0 counts them. Each loop has its own
 * thread; a future that both may hold is the only thing that crosses. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

static const char *const lines[] = { "warp and weft", "one thread", "a loop on each thread" };
enum {
    N_LINES = sizeof(lines) / sizeof(lines[0])
};

/* Runs on loop 1. */
static int fetch(void *line)
{
    WEFT_TRY(weft_sleep(WEFT_MS(5))); /* as if it came from far away */
    printf("loop %d fetches '%s'\n", weft_get_running_loop_index(), (const char *)line);
    return weft_return_ptr(line, NULL);
}

/* Runs on loop 0: ask the other loop, wait here, count. */
static int count(weft_loop *other, const char *line, int *out_words)
{
    weft_concurrent_future *far_away;
    weft_future *here;
    weft_value value;

    WEFT_TRY(
        weft_run_coroutine_threadsafe(weft_coro_create(fetch, (void *)line), other, &far_away));
    int r = weft_wrap_future(far_away, NULL, &here);
    weft_concurrent_future_unref(far_away);
    WEFT_TRY(r);
    r = weft_await(here, &value); /* a cancel would travel to the other loop, too */
    weft_future_unref(here);
    WEFT_TRY(r);
    *out_words = 1;
    for (const char *at = value.as.ptr; *at != '\0'; at++) {
        *out_words += *at == ' ';
    }
    return 0;
}

static int main_task(weft_runtime *runtime, void *arg)
{
    (void)arg;
    for (int i = 0; i < N_LINES; i++) {
        int words;
        WEFT_TRY(count(weft_runtime_get_loop(runtime, 1), lines[i], &words));
        printf("loop %d counts %d words\n", weft_get_running_loop_index(), words);
    }
    return 0;
}

int main(void)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;

    options.n_loops = 2;
    return weft_runtime_run(&options, main_task, NULL) == 0 ? 0 : 1;
}
