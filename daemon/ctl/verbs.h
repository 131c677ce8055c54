#ifndef WEFT_DAEMON_CTL_VERBS_H
#define WEFT_DAEMON_CTL_VERBS_H

/*
 * What weftctl can be told. Exit codes, which stay as they are:
 *
 *     0  done
 *     1  refused or failed, and it was said why; what there is to see was shown
 *     2  wrong command line
 *     3  no daemon listens there
 *     4  not allowed, by the daemon or by the kernel
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

/* What a verb is followed by, as in `stack 7` or `debug full`. */
enum verb_number {
    VERB_NO_NUMBER,
    VERB_MAY_HAVE_NUMBER,
    VERB_NEEDS_NUMBER,
    VERB_NEEDS_LEVEL
};

struct verb_options {
    const char *socket;
    unsigned long long number;     /* behind the verb: of a task or process; 0: none */
    unsigned long long generation; /* 0: all */
    const char *level;             /* behind the verb: of debug; NULL: none */
    bool has_stacks;
    bool is_json;
    bool is_dry_run;
    bool has_no_wait;
};

/** Run the verb <name>. Errors: an exit code; what there is to say was printed. */
enum verb_exit verbs_run(const char *name, const struct verb_options *options);

/** Whether there is such a verb, and if not the one that was meant, or NULL. */
bool verbs_find(const char *name, enum verb_number *out_number, const char **out_suggestion);

/** Say that the daemon could not be asked (client_ask: <rc>, <why>). */
enum verb_exit verbs_explain(int rc, const char *why);

#ifdef __cplusplus
}
#endif

#endif
