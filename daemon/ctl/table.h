#ifndef WEFT_DAEMON_CTL_TABLE_H
#define WEFT_DAEMON_CTL_TABLE_H

/* The answers of the daemon as text for people. */

#include <jansson.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Print what GET /status answered. What is missing in it is left out. */
void table_print_status(FILE *stream, const json_t *status);

#ifdef __cplusplus
}
#endif

#endif
