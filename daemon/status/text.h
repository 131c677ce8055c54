#ifndef WEFT_DAEMON_STATUS_TEXT_H
#define WEFT_DAEMON_STATUS_TEXT_H

/*
 * The metrics as Prometheus' text format, version 0.0.4. docs/metrics.md tells what each means;
 * a test holds that page and this writer together.
 */

#include "status/board.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** Write all of <sample>. Thread: any. Errors: those of <out>, seen by ferror. */
void metrics_print(FILE *out, const struct board_sample *sample);

/** The same as text. Owns: *out_text is freed with free(). Errors: -ENOMEM. */
int metrics_take(const struct board *board, char **out_text, size_t *out_length);

#ifdef __cplusplus
}
#endif

#endif
