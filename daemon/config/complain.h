/*
 * Adding to a struct config_errors, from inside.
 *
 * Complaints stay sorted by place. Only the first CONFIG_ERRORS_KEPT are kept; a caller that has to
 * work for a good text (a suggestion) may ask config_errors_is_full() first.
 */
#ifndef WEFT_DAEMON_CONFIG_COMPLAIN_H
#define WEFT_DAEMON_CONFIG_COMPLAIN_H

#include "config/config.h"
#include "config/source.h"

enum {
    CONFIG_ERRORS_KEPT = 100
};

/**
 * Add a complaint. What the message quotes may be hostile: it is made printable.
 *
 * Gives NULL when the complaint is counted but not kept.
 */
struct config_diagnostic *config_complain(struct config_errors *errors,
                                          enum config_severity severity,
                                          const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** Hang a note on <on>; nothing happens when that is NULL. */
void config_complain_note(struct config_errors *errors, struct config_diagnostic *on,
                          const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool config_errors_is_full(const struct config_errors *errors);

#endif
