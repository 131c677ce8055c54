#ifndef WEFT_DAEMON_CTL_TABLE_H
#define WEFT_DAEMON_CTL_TABLE_H

/* The answers of the daemon as text for people. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Print what GET /status answered. What is missing in it is left out. */
void table_print_status(FILE *stream, const json_t *status);

/** Whether the part <what> of a dump ("tasks", "loops", ...) is shown as a table. */
bool table_is_known(const char *what);
/** Print the part <what> of the JSON of a dump (weft/inspect.h), with bold titles if wanted. */
void table_print_dump(FILE *stream, const char *what, const json_t *dump, bool has_colours);

#ifdef __cplusplus
}
#endif

#endif
