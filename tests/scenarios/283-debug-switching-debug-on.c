/*
 * 283-debug-switching-debug-on: Debug mode is off by default, can be set on the loop, passed to
 * run(), or switched on by the environment.
 *
 * Debug mode is level "full". weft_run has no flag for it: its main says so.
 */
#include "support/scenario.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

static int get_debug(void *arg)
{
    (void)arg;
    return weft_return_int(weft_loop_get_debug(NULL) == WEFT_DEBUG_FULL);
}

static int set_and_get_debug(void *arg)
{
    MUST(weft_loop_set_debug(NULL, WEFT_DEBUG_FULL));
    return get_debug(arg);
}

static void run_and_tell(weft_coro_fn *main, const char *what)
{
    weft_value value;

    MUST(run_virtual(main, &value));
    trace("%s: debug=%d", what, (int)value.as.num);
}

/* This program again, with WEFT_DEBUG set to <value>. */
static void run_with_environment(const char *value)
{
    char what[64];
    pid_t pid;
    int status;

    snprintf(what, sizeof what, "environment '%s'", value);
    char *argv[] = { "again", what, NULL };
    MUST(setenv("WEFT_DEBUG", value, /* overwrite = */ 1));
    MUST(-posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ));
    MUST(waitpid(pid, &status, 0));
    MUST(-WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        run_and_tell(get_debug, argv[1]);
        return 0;
    }
    weft_loop *loop = make_loop();

    trace("default: debug=%d", weft_loop_get_debug(loop) == WEFT_DEBUG_FULL);
    MUST(weft_loop_set_debug(loop, WEFT_DEBUG_FULL));
    trace("set_debug: debug=%d", weft_loop_get_debug(loop) == WEFT_DEBUG_FULL);
    end_loop(loop);
    run_and_tell(set_and_get_debug, "run(debug)");
    run_with_environment("1");
    run_with_environment("");
    return 0;
}
