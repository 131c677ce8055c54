/* `sort | uniq -c` with the pipes in our hands: words go into sort, what it says goes on to uniq,
 * and the counts come back. All three ways run at once, so nobody waits for a full pipe. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

static const char *const words[] = { "warp", "weft", "loom", "weft", "warp", "weft" };

enum {
    ROUNDS = 20000 /* far more than a pipe holds */
};

static int feed(void *sort)
{
    weft_stream *in = weft_process_get_stdin(sort);

    for (int i = 0; i < ROUNDS; i++) {
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            weft_buffer line[] = { { words[w], strlen(words[w]) }, { "\n", 1 } };
            WEFT_TRY(weft_stream_writev(in, line, 2));
        }
        WEFT_TRY(weft_stream_drain(in)); /* the back-pressure */
    }
    return weft_stream_close(in);
}

struct link {
    weft_process *from, *to;
};

static int pump(void *arg)
{
    struct link *link = arg;
    weft_stream *out = weft_process_get_stdout(link->from);
    weft_stream *in = weft_process_get_stdin(link->to);
    char *data;
    size_t n;

    for (;;) {
        WEFT_TRY(weft_stream_read_view(out, &data, &n));
        if (n == 0) {
            return weft_stream_close(in);
        }
        WEFT_TRY(weft_stream_write(in, data, n));
        WEFT_TRY(weft_stream_drain(in));
    }
}

static int pipeline(void *arg)
{
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;
    weft_process *sort, *uniq;
    char *line, word[32];
    size_t n;
    int *n_right = arg, count;

    options.in.kind = options.out.kind = WEFT_PROCESS_PIPE;
    WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("sort"), &options, &sort));
    WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("uniq", "-c"), &options, &uniq));
    struct link link = { sort, uniq };
    weft_task_group *group = weft_task_group_create();
    WEFT_TRY(weft_task_group_enter(group));
    weft_task_group_create_task(group, weft_coro_create(feed, sort), NULL);
    weft_task_group_create_task(group, weft_coro_create(pump, &link), NULL);
    while (weft_stream_readline(weft_process_get_stdout(uniq), &line, &n) == 0 && n > 0) {
        line[n - 1] = '\0';
        printf("%s\n", line);
        *n_right +=
            sscanf(line, "%d %31s", &count, word) == 2 && count == ROUNDS * (word[0] == 'l'   ? 1
                                                                             : word[1] == 'a' ? 2
                                                                                              : 3);
    }
    int r = weft_task_group_exit(group, 0); /* one that fails cancels the other */
    weft_task_group_destroy(group);
    WEFT_TRY(weft_process_wait(sort, NULL));
    WEFT_TRY(weft_process_wait(uniq, NULL));
    weft_process_destroy(sort);
    weft_process_destroy(uniq);
    return r;
}

int main(void)
{
    int n_right = 0;
    int r = weft_run(pipeline, &n_right);

    return r == 0 && n_right == 3 ? 0 : 1;
}
