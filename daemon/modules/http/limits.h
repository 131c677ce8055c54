#ifndef WEFT_DAEMON_MODULES_HTTP_LIMITS_H
#define WEFT_DAEMON_MODULES_HTTP_LIMITS_H

/*
 * The limits of connections, as settings that every module which speaks HTTP has.
 */

#include "weft/http.h"
#include "weft/service.h"

#include <stdint.h>

#define HTTP_DURATION(key_, fallback_, min_, max_, doc_)                                \
    {                                                                                   \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = WEFT_SETTING_DURATION, \
        .min = min_, .max = max_                                                        \
    }
#define HTTP_TEXT(key_, fallback_, doc_)                                             \
    {                                                                                \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = WEFT_SETTING_STRING \
    }
#define HTTP_NUMBER(key_, fallback_, kind_, min_, max_, doc_)                                    \
    {                                                                                            \
        .key = key_, .fallback = fallback_, .doc = doc_, .kind = kind_, .min = min_, .max = max_ \
    }

/* Rows of WEFT_SERVICE's settings. */
#define HTTP_LIMITS                                                                    \
    HTTP_DURATION("head_limit", "10s", WEFT_MS(1), WEFT_S(3600),                       \
                  "Time for the head of a request."),                                  \
        HTTP_DURATION("body_limit", "30s", WEFT_MS(1), WEFT_S(86400),                  \
                      "Time for the body of a request."),                              \
        HTTP_DURATION("idle_limit", "60s", WEFT_MS(1), WEFT_S(86400),                  \
                      "How long a connection may be idle."),                           \
        HTTP_DURATION("total_limit", "60s", WEFT_MS(1), WEFT_S(86400),                 \
                      "Time for a request and its answer together."),                  \
        HTTP_NUMBER("max_head_size", "16KiB", WEFT_SETTING_SIZE, 256, 1024 * 1024,     \
                    "The largest head of a request; else 431."),                       \
        HTTP_NUMBER("max_body_size", "1MiB", WEFT_SETTING_SIZE, 0, 1024 * 1024 * 1024, \
                    "The largest body of a request; else 413."),                       \
        HTTP_NUMBER("max_target_length", "8KiB", WEFT_SETTING_SIZE, 64, 1024 * 1024,   \
                    "The longest path and query; else 414."),                          \
        HTTP_NUMBER("max_headers", "100", WEFT_SETTING_INT, 1, 1000,                   \
                    "Headers of a request at most; else 431."),                        \
        HTTP_NUMBER("max_requests", "0", WEFT_SETTING_INT, 0, 1000000000,              \
                    "Requests of a connection before it is closed; 0: no limit.")

/* What they are set to. */
static inline weft_http_options http_limits_of(weft_service *service)
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;

    options.head_limit = weft_service_get_int(service, "head_limit");
    options.body_limit = weft_service_get_int(service, "body_limit");
    options.idle_limit = weft_service_get_int(service, "idle_limit");
    options.total_limit = weft_service_get_int(service, "total_limit");
    options.max_head_size = (size_t)weft_service_get_int(service, "max_head_size");
    options.max_target_length = (size_t)weft_service_get_int(service, "max_target_length");
    options.max_headers = (size_t)weft_service_get_int(service, "max_headers");
    options.max_requests = (uint64_t)weft_service_get_int(service, "max_requests");
    options.max_body_size = (size_t)weft_service_get_int(service, "max_body_size");
    if (options.max_body_size == 0) {
        options.max_body_size = SIZE_MAX; /* none at all */
    }
    return options;
}

#endif
