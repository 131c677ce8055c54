#ifndef WEFT_DAEMON_SUPERVISOR_NOTIFY_H
#define WEFT_DAEMON_SUPERVISOR_NOTIFY_H

/*
 * What the service manager is told (sd_notify(3)). Without one every call does
 * nothing.
 *
 *     start --READY--> --RELOADING, READY--> ... --STOPPING--> exit
 *
 * READY follows every RELOADING, also after a reload that was refused.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/** One line for `systemctl status`; a repetition is not sent. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Ask for at least <duration> ns more before the manager loses its patience. */
void notify_extend_timeout(int64_t duration);
/** Let the manager keep <fd> under <name> over our own end, or forget it. */
void notify_keep(const char *name, int fd);
void notify_drop(const char *name);
/** How often notify_watchdog() is due, in ns; 0: the manager does not wait for it. */
int64_t notify_watchdog_interval(void);
void notify_watchdog(void);
/** Whether a service manager listens. */
bool notify_is_managed(void);

#ifdef __cplusplus
}
#endif

#endif
