/*
 * R19: 100,000 tasks asleep, each on a guarded stack, need fewer than 1,000
 * mappings; and where the kernel has no cheap guards (`fallback`, which
 * WEFT_STACK_GUARD=mprotect forces), a clean error comes at the stated cap.
 *
 * usage: many_tasks guards|fallback N
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

enum {
    MAX_MAPS = 1000
};

struct figures {
    long n_wanted;
    long n_asleep;
    long n_maps_before, n_maps;
    long bytes_each;
    int code; /* of the first task that could not be made */
    char said[512];
};

static long count_maps(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    long n = 0;

    for (int c; file != NULL && (c = fgetc(file)) != EOF;) {
        n += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return n;
}

static long resident_bytes(void)
{
    long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) {
        resident = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return resident * sysconf(_SC_PAGESIZE);
}

static int sleep_long(void *arg)
{
    struct figures *figures = arg;

    figures->n_asleep++;
    int r = weft_sleep(WEFT_S(3600));
    figures->n_asleep--;
    return r;
}

/* As many as are wanted, or as there are stacks for. */
static int make_many(void *arg)
{
    struct figures *figures = arg;
    weft_task **tasks = calloc((size_t)figures->n_wanted, sizeof(weft_task *));
    long n = 0;

    if (tasks == NULL) {
        return WEFT_ENOMEM;
    }
    figures->n_maps_before = count_maps();
    long before = resident_bytes();
    while (n < figures->n_wanted && figures->code == 0) {
        figures->code = weft_create_task(weft_coro_create(sleep_long, figures), &tasks[n]);
        n += figures->code == 0;
    }
    if (figures->code < 0) {
        snprintf(figures->said, sizeof(figures->said), "%s", weft_current_message(figures->code));
    }
    weft_sleep(0);
    figures->n_maps = count_maps();
    figures->bytes_each = n > 0 ? (resident_bytes() - before) / n : 0;
    long n_asleep = figures->n_asleep;
    for (long i = 0; i < n; i++) {
        int r = 0;
        weft_task_cancel(tasks[i], "enough");
        r = weft_await(tasks[i], NULL);
        if (r == WEFT_ENOSTACK && figures->code == 0) {
            figures->code = r;
            snprintf(figures->said, sizeof(figures->said), "%s", weft_current_message(r));
        }
        weft_future_unref(tasks[i]);
    }
    free(tasks);
    int is_left = figures->n_asleep != 0;
    figures->n_asleep = n_asleep;
    return is_left ? WEFT_ERUNTIME : 0;
}

static int complain(const char *what)
{
    fprintf(stderr, "R19: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    struct figures figures = { 0 };

    if (argc != 3) {
        fprintf(stderr, "usage: many_tasks guards|fallback N\n");
        return 2;
    }
    int is_fallback = strcmp(argv[1], "fallback") == 0;
    if (is_fallback) {
        setenv("WEFT_STACK_GUARD", "mprotect", 1);
    }
    figures.n_wanted = strtol(argv[2], NULL, 10);
    int r = weft_run(make_many, &figures);
    printf("asleep %ld of %ld; %ld maps before, %ld then; %ld bytes each; %d %s\n",
           figures.n_asleep, figures.n_wanted, figures.n_maps_before, figures.n_maps,
           figures.bytes_each, figures.code, figures.said);
    if (r < 0) {
        return complain("the run failed");
    }
    if (is_fallback) {
        return figures.code != WEFT_ENOSTACK ? complain("no clean error at the cap")
               : strstr(figures.said, "max_map_count") == NULL ? complain("the error names no cap")
               : figures.n_asleep < figures.n_wanted / 10      ? complain("the cap is far too low")
                                                               : 0;
    }
    return figures.code == WEFT_ENOSTACK || figures.n_asleep < figures.n_wanted
               ? complain("not all could be made")
           : figures.n_maps - figures.n_maps_before >= MAX_MAPS ? complain("too many mappings")
                                                                : 0;
}
