#ifndef WEFT_DAEMON_CHANNEL_H
#define WEFT_DAEMON_CHANNEL_H

/*
 * What supervisor and worker say to each other: packets of one fixed struct over
 * a SOCK_SEQPACKET pair.
 *
 *     worker -> supervisor   READY       all services have started on all loops
 *                            FAILED      it cannot start: text says why; it exits
 *                            STATUS      counters, every second and on PONG
 *                            PONG        answer to PING, with the same number
 *                            STALLED     loop <index> is held up for <number> ns so far: text
 *                                        names the culprit; <flags> 1: the first of this stall
 *                            DRAINED     nothing is left; it exits with 0
 *                            DUMPED      answer to DUMP <number>: a sealed memfd with it, or, with
 *                                        <code>, text says why there is none
 *     supervisor -> worker   DRAIN       accept no more, finish within <number> ns,
 *                                        cancel the rest, exit
 *                            STOP         the same with no grace
 *                            LOG_LEVEL   <number> is an enum weft_log_level
 *                            DEBUG       <number> is an enum weft_debug_level, for all loops
 *                            PING        <number> comes back when each loop has turned; with
 *                                        <flags> 1 at once, from the control thread itself
 *                            DUMP        tell what goes on: <flags> are weft_dump's, <id> is the
 *                                        task's that is meant, 0: all; <number> comes back
 *
 * The supervisor believes nothing it reads: a packet of another size, version or
 * kind is dropped and counted, texts are cut, printable ASCII only, and no packet
 * names a path, a process or a descriptor. Only DUMPED may carry a descriptor, and
 * only a memfd that nobody can change any more. End of file means that the other
 * side is gone: the worker drains and exits.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHANNEL_KIND_LIST(X)  \
    X(READY, "ready")         \
    X(FAILED, "failed")       \
    X(STATUS, "status")       \
    X(PONG, "pong")           \
    X(STALLED, "stalled")     \
    X(DRAINED, "drained")     \
    X(DRAIN, "drain")         \
    X(STOP, "stop")           \
    X(LOG_LEVEL, "log-level") \
    X(PING, "ping")           \
    X(DUMP, "dump")           \
    X(DUMPED, "dumped")       \
    X(DEBUG, "debug")

enum channel_kind {
#define X(member, text) CHANNEL_##member,
    CHANNEL_KIND_LIST(X)
#undef X
    CHANNEL_N_KINDS
};

enum {
    CHANNEL_VERSION = 1,
    CHANNEL_TEXT_SIZE = 512,
    CHANNEL_DUMP_SIZE = 64 * 1024 * 1024 /* a larger dump is not taken */
};

/* Counters of a worker; all since its start but the gauges. */
struct channel_status {
    uint32_t n_loops;
    uint32_t n_tasks;       /* gauge */
    uint64_t n_connections; /* gauge: open now */
    uint64_t n_accepted;
    uint64_t n_shed;
    uint64_t n_accept_errors;
    uint64_t n_jobs_queued;  /* gauge */
    uint64_t n_jobs_running; /* gauge */
    uint64_t n_jobs_done;
    uint64_t n_service_restarts;
};

struct channel_packet {
    uint16_t version;
    uint16_t kind;
    uint32_t index;
    int64_t number;
    uint64_t id;
    uint32_t flags;
    int32_t code; /* 0, a system code or one of weft's */
    struct channel_status status;
    char text[CHANNEL_TEXT_SIZE]; /* terminated */
};

const char *channel_kind_name(enum channel_kind kind);

/** A connected pair, non-blocking, close-on-exec. Errors: system codes. */
int channel_pair(int *out_supervisor, int *out_worker);
/** Send one packet. Errors: -EAGAIN when the other side does not read; -EPIPE; system codes. */
int channel_send(int fd, const struct channel_packet *packet);
/** The same with a copy of the descriptor <attached>; -1: none. <attached> stays the caller's. */
int channel_send_with(int fd, const struct channel_packet *packet, int attached);
/**
 * Receive one packet, checked: version, kind, size, terminated printable text.
 *
 * Errors: 0 with *out_packet; 1 at end of file; -EAGAIN: nothing there; -EPROTO: a packet that was
 *         dropped; system codes.
 */
int channel_receive(int fd, struct channel_packet *out_packet);
/**
 * The same for a side that may be sent descriptors.
 *
 * Owns:   *out_attached is the caller's to close; -1: none came, or one that is no sealed memfd.
 */
int channel_receive_with(int fd, struct channel_packet *out_packet, int *out_attached);

#ifdef __cplusplus
}
#endif

#endif
