#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

/*
 * client.h: one connection that sends requests, whatever the protocol.
 *
 * Thread: a client belongs to one task of one loop.
 */

#include "load/options.h"
#include "load/tally.h"

/* One connection of a loop. Protocols put it first into their own struct. */
struct client {
    const struct client_kind *kind;
    const struct options *options;
    struct tally *tally; /* bytes are counted there */
};

struct client_kind {
    /* One client for each connection; NULL without memory. Nothing is connected yet. */
    struct client *(*create)(const struct options *options);
    void (*destroy)(struct client *client);
    /* 0 or the error of connecting. In a task; within the options' limit. */
    int (*connect)(struct client *client);
    /* Send one request and read its answer. 0; negative ends the connection. */
    int (*request)(struct client *client);
    /* Whether the peer said that it will close after this answer. */
    bool (*must_close)(const struct client *client);
    /* Whether the peer has ended a connection that stood idle: it is made anew then, as every
     * client of HTTP does, and no request is lost by it. */
    bool (*is_over)(const struct client *client);
    /* Harmless when there is no connection. */
    void (*close)(struct client *client);
};

extern const struct client_kind client_http, client_echo, client_scenario;

static inline const struct client_kind *client_kind_of(enum target_kind kind)
{
    return kind == TARGET_HTTP   ? &client_http
           : kind == TARGET_ECHO ? &client_echo
                                 : &client_scenario;
}

/* A stream to the target, with the options' limits set on it. */
struct weft_stream;
int client_open_stream(const struct options *options, struct weft_stream **out_stream);
/* From the address <from>; NULL: the system chooses. */
int client_open_stream_from(const struct options *options, const char *from,
                            struct weft_stream **out_stream);
/* Whether its end, or anything that nobody asked for, lies in the socket. */
bool client_stream_is_over(const struct weft_stream *stream);

#endif
