#ifndef WEFT_SCENARIO_TRACE_H
#define WEFT_SCENARIO_TRACE_H

/*
 * trace.h: what a scenario prints.
 *
 * Lines, error classes by Python's names, byte strings, and the library's
 * reports as `LOG category object error`. Nothing here knows a scenario: each
 * line's text comes from the program or from the library.
 */

#include "weft/weft.h"

#include <stddef.h>

/* The errors that scenarios raise themselves, by the names of Python's classes. */
enum scenario_error {
    VALUE_ERROR = WEFT_EUSER(0),
    KEY_ERROR = WEFT_EUSER(1),
    OS_ERROR = WEFT_EUSER(2),
    CONNECTION_ERROR = WEFT_EUSER(3)
};

/** Print one line at once. Any thread. */
void trace(const char *format, ...) WEFT_PRINTF(1, 2);

/** Python's name of what the caller's task has just met; a group lists its members. */
const char *err(int code);
/** The same for an error that is at hand. */
const char *err_of(const weft_error *error);
/** The message of a failure that the caller's task has just met. */
const char *message(int code);
/** The message that a cancel carried, "none" when it carried none. */
const char *cancel_message(void);
/** Bytes as text: CR and LF are escaped, no bytes are "empty". Valid for a few calls. */
const char *show(const void *data, size_t size);

/** Print the library's log from <level> on as LOG lines. */
void watch_logs_from(enum weft_log_level level);
/** The same from WARNING on, which is Python's default. */
void watch_logs(void);

/* For calls that cannot fail in this scenario: end the program when one does. */
#define MUST(expr) must_at((expr), #expr, __FILE__, __LINE__)
int must_at(int result, const char *what, const char *file, int line);

/* The same for calls that hand back a pointer. */
#define MUST_HAVE(expr) must_have_at((expr), #expr, __FILE__, __LINE__)
void *must_have_at(void *pointer, const char *what, const char *file, int line);

#endif
