#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

/*
 * target.h: what is sent to, from a URL.
 *
 *     http://HOST[:PORT][/PATH]     HTTP/1.1 over TCP
 *     http+unix:SOCKET[:/PATH]      HTTP/1.1 over a unix socket
 *     tcp://HOST:PORT               echo over TCP
 *     unix:SOCKET                   echo over a unix socket
 *     module:FILE.so[:ARGUMENT]     a scenario of the user's; see weft/load.h
 */

enum target_kind {
    TARGET_HTTP,
    TARGET_ECHO,
    TARGET_MODULE
};

struct target {
    const char *url; /* borrowed */
    enum target_kind kind;
    char host[256]; /* "": a unix socket */
    int port;
    char socket[108];
    char path[2048]; /* of HTTP; of the module, its argument */
    char module[1024];
};

/* 0, or negative with *out_why a sentence. */
int target_parse(struct target *target, const char *url, const char **out_why);

#endif
