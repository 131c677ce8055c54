#ifndef WEFT_DAEMON_LOG_H
#define WEFT_DAEMON_LOG_H

/*
 * The daemon's log: lines on standard error in one of three formats.
 *
 *     text      2024-02-29 12:00:00.123 INFO     weftd[4711]: generation 2 serves
 *     journald  <6>generation 2 serves
 *     json      {"time":"2024-02-29T12:00:00.123Z","level":"INFO","program":"weftd",
 *                "pid":4711,"logger":"weftd","message":"generation 2 serves"}
 *
 * `auto` is journald when standard error is the journal's own stream, else text.
 * A record is one write(2). In text and journald a further line of the message
 * is indented, so that nobody can forge a record; other control characters are
 * written as \xNN.
 */

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

#include <weft/log.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Send weft's log to standard error in <format>, from <level> on.
 *
 * Thread:  any, before others log.
 * Owns:    <program> is static.
 */
void log_open(const char *program, enum config_log_format format, enum config_log_level level);

/** The level as weft counts it. */
enum weft_log_level log_level_of(enum config_log_level level);

/** Whether standard error is the journal's stream ($JOURNAL_STREAM). */
bool log_is_journal(void);

/**
 * Format one record as log_open's sink writes it, for tests and for whoever has another sink.
 *
 * Owns:    <out> is the caller's; the text is cut to <size>, and ends with a line feed.
 * Errors:  the length.
 */
size_t log_format_record(enum config_log_format format, const char *program,
                         const weft_log_record *record, char *out, size_t size);

/** Log under the program's own name. */
#define log_debug(...)    weft_log(WEFT_LOG_DEBUG, "weftd", __VA_ARGS__)
#define log_info(...)     weft_log(WEFT_LOG_INFO, "weftd", __VA_ARGS__)
#define log_warning(...)  weft_log(WEFT_LOG_WARNING, "weftd", __VA_ARGS__)
#define log_error(...)    weft_log(WEFT_LOG_ERROR, "weftd", __VA_ARGS__)
#define log_critical(...) weft_log(WEFT_LOG_CRITICAL, "weftd", __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
