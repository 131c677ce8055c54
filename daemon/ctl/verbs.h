#ifndef WEFT_DAEMON_CTL_VERBS_H
#define WEFT_DAEMON_CTL_VERBS_H

/*
 * What weftctl can be told. Exit codes, which stay as they are:
 *
 *     0  done
 *     1  refused or failed, and the daemon said why
 *     2  wrong command line
 *     3  no daemon listens there
 *     4  not allowed
 *     5  what came back was no answer
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum verb_exit {
    VERB_OK = 0,
    VERB_FAILED = 1,
    VERB_USAGE = 2,
    VERB_NOT_RUNNING = 3,
    VERB_FORBIDDEN = 4,
    VERB_PROTOCOL = 5
};

struct verb_options {
    const char *socket;
    bool is_json;
    bool is_dry_run;
    bool has_no_wait;
};

/** Run the verb <name>. Errors: an exit code; what there is to say was printed. */
enum verb_exit verbs_run(const char *name, const struct verb_options *options);

/** Whether there is such a verb, and if not the one that was meant, or NULL. */
bool verbs_find(const char *name, const char **out_suggestion);

#ifdef __cplusplus
}
#endif

#endif
