/*
 * 063-task-current-and-all: current_task is the running task, none inside a plain callback;
 * all_tasks lists the unfinished ones.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(weft_task_get_name(*(weft_task *const *)a),
                  weft_task_get_name(*(weft_task *const *)b));
}

static void print_names(const char *when)
{
    weft_task *tasks[8];
    int n = MUST(weft_all_tasks(NULL, tasks, 8));
    char names[256] = "";

    qsort(tasks, (size_t)n, sizeof tasks[0], by_name);
    for (int i = 0; i < n; i++) {
        strcat(names, i > 0 ? "," : "");
        strcat(names, weft_task_get_name(tasks[i]));
    }
    trace("%s: %s", when, names);
}

static int child(void *arg)
{
    (void)arg;
    trace("child: current %s", weft_task_get_name(weft_current_task()));
    return weft_sleep(0);
}

static int callback(void *data)
{
    (void)data;
    trace("callback: current none=%d", weft_current_task() == NULL);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    MUST(weft_task_set_name(weft_current_task(), "main"));
    weft_task *t1 = spawn_named(child, NULL, "c1");
    weft_task *t2 = spawn_named(child, NULL, "c2");

    MUST(weft_loop_call_soon(NULL, callback, NULL, NULL));
    print_names("all");
    WEFT_TRY(join(t1, NULL));
    print_names("all after c1");
    WEFT_TRY(join(t2, NULL));
    print_names("all after c2");
    return 0;
}

int main(void)
{
    return scenario_main(story);
}
