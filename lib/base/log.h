#ifndef WF_BASE_LOG_H
#define WF_BASE_LOG_H

/*
 * How the library itself reaches the sink: by reports only.
 */

#include "weft/log.h"

/* Send <report> to the sink at its kind's level. */
void wf_report(const weft_report *report);

/* A line that was asked for, so that no level keeps it back. */
void wf_log_asked(const char *logger, const char *line);

/*
 * Refuse a call: report it once here, attach the message to the running frame,
 * abort when WEFT_MISUSE=abort is set, else return <code>.
 */
int wf_misuse(enum weft_report_kind kind, int code, const char *format, ...) WEFT_PRINTF(3, 4);

/* The analyzer sees one file at a time: tell it that these return the code that they are given. */
#ifdef __clang_analyzer__
#define wf_misuse(kind, code, ...)      ((void)(kind), (code))
#define weft_fail_at(origin, code, ...) ((void)(origin), (code))
#define weft_trace_at(origin, code)     ((void)(origin), (code))
#endif

#endif
