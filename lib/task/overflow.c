/*
 * Who ran over its stack: the last words of a process that a task's overflow
 * ends, written in a signal handler by coro/overflow.c.
 *
 * Thread: any that runs tasks; nothing is allocated, locked or printed here.
 */

#include "coro/overflow.h"

#include "task/coro.h"
#include "task/task.h"

static void describe(const struct wf_fiber *fiber, char *buffer, size_t size)
{
    const struct wf_task *task = wf_task_current;
    struct wf_text text;

    wf_text_init(&text, buffer, size);
    if (task == NULL || &task->fiber != fiber) {
        wf_text_add_plain(&text, "a coroutine");
        return;
    }
    wf_text_add_plain(&text, "task '");
    if (task->name != NULL) {
        wf_text_add_plain(&text, task->name);
    } else {
        wf_text_add_plain(&text, "Task-");
        wf_text_add_number(&text, task->number);
    }
    wf_text_add_plain(&text, "' running ");
    wf_text_add_plain(&text, wf_coro_name(task->coro_origin));
    wf_text_add_plain(&text, "()");
    if (task->future.origin != NULL) {
        wf_text_add_plain(&text, " created at ");
        wf_text_add_plain(&text, wf_text_file_name(task->future.origin->file));
        wf_text_add_plain(&text, ":");
        wf_text_add_number(&text, (unsigned)task->future.origin->line);
    }
}

void wf_task_watch_overflow(void)
{
    wf_overflow_set_describer(describe);
    (void)wf_overflow_install_thread(); /* without memory an overflow stays unnamed, no more */
}
