/*
 * The built-in module `echo`: sends back what it gets.
 *
 * A connection lives until the client ends it, is silent for `idle_limit`, or
 * the grace of a drain is over; a drain alone does not cut it, for only the
 * client knows when its stream is complete.
 */

#include "echo/handler.h"
#include "weft/service.h"

static int echo_connected(weft_service *service, weft_stream *stream)
{
    return echo_serve(stream, weft_service_get_int(service, "idle_limit"));
}

WEFT_SERVICE(.name = "echo", .version = "1",
             .settings = {
                 { .key = "idle_limit",
                   .fallback = "5m",
                   .doc = "How long a connection may be silent.",
                   .kind = WEFT_SETTING_DURATION,
                   .min = 1000000,
                   .max = 86400000000000 },
             },
             .connected = echo_connected);
