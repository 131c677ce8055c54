#ifndef WEFT_DAEMON_CTL_CLIENT_H
#define WEFT_DAEMON_CTL_CLIENT_H

/*
 * One HTTP request over a unix socket, and its whole answer. Blocking: weftctl
 * has nothing else to do.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct client_answer {
    int status;
    char *body; /* owned, terminated */
    size_t length;
    int server; /* process that listens; 0: unknown */
};

/**
 * Send <method> <target> to the daemon that listens on <socket>.
 *
 * Owns:    *out_answer is the caller's: client_answer_clear().
 * Errors:  -ENOENT and -ECONNREFUSED: nobody listens; -EACCES: not for us; -EPROTO: what came is no
 *          answer; -ETIMEDOUT after <limit_seconds> (0: none) without a byte; system codes. <why>
 *          says more.
 */
int client_ask(const char *socket, const char *method, const char *target, int limit_seconds,
               struct client_answer *out_answer, char *why, size_t why_size);
void client_answer_clear(struct client_answer *answer);

/** Read an answer from its bytes. Errors: -EPROTO; -ENOMEM. */
int client_parse(const char *text, size_t length, struct client_answer *out_answer);

/** Wait until the process <server>, which listened on <socket>, is gone. */
void client_wait_gone(const char *socket, int server);

#ifdef __cplusplus
}
#endif

#endif
