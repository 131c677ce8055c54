#ifndef WEFT_SCENARIO_TRACER_H
#define WEFT_SCENARIO_TRACER_H

/*
 * tracer.h: a protocol that prints what it is told, for the transport scenarios;
 * tracer.py is the same in Python.
 */

#include "weft/weft.h"

#include <stddef.h>

struct tracer;
typedef int tracer_hook(struct tracer *tracer);

/** Hooks run after the line was printed; eof's result is that of eof_received. */
struct tracer {
    const char *name;
    tracer_hook *made, *data, *eof, *lost_hook, *pause, *resume, *get_buffer;
    char *buffer; /* of the buffered form */
    size_t buffer_size;
    int quiet; /* print no data */
    size_t n_bytes;
    weft_transport *transport; /* ref, until tracer_end */
    weft_future *lost;         /* ref: done by connection_lost */
    int n;                     /* for the hooks */
};

/** Factories; <arg> is the tracer. */
int make_tracer(const weft_protocol **out_protocol, void **out_data, void *arg);
int make_buffered_tracer(const weft_protocol **out_protocol, void **out_data, void *arg);
extern const weft_protocol buffered_tracer;

/** A transport of <tracer>; returns the plain other end of its socket. */
int connect_tracer(struct tracer *tracer);
int connect_buffered_tracer(struct tracer *tracer);
/** One of <fd>, an end of a pipe or so. */
int read_pipe(struct tracer *tracer, int fd);
int write_pipe(struct tracer *tracer, int fd);
/** Of the two ends of a pipe. */
void connect_pipes(struct tracer *reader, struct tracer *writer);
/** Await connection_lost. */
int await_lost(const struct tracer *tracer);
/** Print "NAME <text>". */
void tracer_say(const struct tracer *tracer, const char *text);
/** Its references go. */
void tracer_end(struct tracer *tracer);

/** Send to a plain socket. */
void peer_send(int fd, const char *text);
/** All that has come to a plain socket: how many bytes; at most <size> of them are kept. */
size_t receive(int fd, char *buffer, size_t size);

/** Print what goes to the exception handler. */
void print_reports(void);

/** Hooks. */
int close_it(struct tracer *tracer);
int abort_it(struct tracer *tracer);
int pause_it(struct tracer *tracer);
/** eof_received: stay half open. */
int keep_open(struct tracer *tracer);
/** raise ValueError. */
int fail_it(struct tracer *tracer);
/** loop.call_soon(print, "soon"). */
int say_soon(struct tracer *tracer);

#endif
