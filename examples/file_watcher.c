/*
 * file_watcher: tell what happens in a folder, as it happens.
 *
 * Run without arguments it watches a folder of its own, in which a second task makes a
 * mess, and ends. With a folder it watches that until it is interrupted:
 *
 *     $ file_watcher /tmp
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/weft.h>

/* Print <n> events; 0: without end. */
static int print_events(weft_file_watch *watch, int n)
{
    weft_file_event event;

    for (int i = 0; n == 0 || i < n; i++) {
        WEFT_TRY(weft_file_watch_next(watch, &event));
        printf("%-8s %s %s\n", weft_file_event_kind_name(event.kind), event.old_name, event.name);
    }
    return 0;
}

/* Something to watch. */
static int make_a_mess(void *arg)
{
    const char *folder = arg;
    char draft[64];
    char final[64];
    weft_file *file;

    (void)snprintf(draft, sizeof draft, "%s/draft", folder);
    (void)snprintf(final, sizeof final, "%s/final", folder);
    WEFT_TRY(weft_file_open(draft, O_WRONLY | O_CREAT, 0600, &file));
    WEFT_TRY(weft_file_write(file, "done\n", 5, NULL));
    WEFT_TRY(weft_file_close(file));
    weft_file_destroy(file);
    WEFT_TRY(weft_fs_rename(draft, final));
    return weft_fs_unlink(final);
}

static int watch(weft_file_watch *watch, const char *folder, int n)
{
    int kinds = WEFT_FILE_CREATED | WEFT_FILE_WRITTEN | WEFT_FILE_MOVED | WEFT_FILE_DELETED;
    weft_task *mess = NULL;

    WEFT_TRY(weft_file_watch_add(watch, folder, kinds, NULL));
    if (n > 0) {
        WEFT_TRY(weft_create_task(weft_coro_create(make_a_mess, (void *)folder), &mess));
    }
    int code = print_events(watch, n);
    if (code == 0) {
        code = weft_await(mess, NULL);
    }
    weft_future_unref(mess);
    return code;
}

static int run(void *arg)
{
    char own[] = "/tmp/weft-watch-XXXXXX";
    weft_file_watch *events;

    WEFT_TRY(weft_file_watch_create(&events));
    int code = arg != NULL            ? watch(events, arg, 0)
               : mkdtemp(own) != NULL ? watch(events, own, 4)
                                      : weft_fail(WEFT_EUSER(0), "no folder to watch");
    weft_file_watch_destroy(events);
    return code < 0 || arg != NULL ? code : weft_fs_rmdir(own);
}

int main(int argc, char **argv)
{
    return weft_run(run, argc > 1 ? argv[1] : NULL) < 0;
}
