/*
 * notify.c: sd_notify with our vocabulary.
 *
 * A failure to notify is not one of ours: sd_notify returns 0 without a manager,
 * and one that does not read must not hold the supervisor up.
 *
 * Thread: the loop's.
 */
#include "supervisor/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

/* Managers from 253 on wait for the READY that is later than this moment. */
void notify_reloading(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)now.tv_sec * 1000000 +
                         (unsigned long long)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void notify_status(const char *format, ...)
{
    static char last[256]; /* the loop's thread only */
    char text[sizeof last];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (strcmp(text, last) != 0) {
        strcpy(last, text);
        (void)sd_notifyf(0, "STATUS=%s", text);
    }
}

void notify_extend_timeout(int64_t duration)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", (long long)(duration / 1000));
}

int64_t notify_watchdog_interval(void)
{
    uint64_t usec = 0;

    return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)usec * 1000 / 3 : 0;
}

void notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

bool notify_is_managed(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}
