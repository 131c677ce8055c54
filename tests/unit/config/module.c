/* Makes the test program itself a module: it has the section, with one setting of each kind. */
#include "weft/service.h"

static int connected(weft_service *service, weft_stream *stream)
{
    (void)service;
    (void)stream;
    return 0;
}

WEFT_SERVICE(.name = "sample", .version = "1.0",
             .settings = {
                 { "greeting", "hello", "What is said first.", WEFT_SETTING_STRING, 0, 0, 20 },
                 { "count", "3", "How often.", WEFT_SETTING_INT, 0, 1, 9 },
                 { "loud", "no", "Whether it is shouted.", WEFT_SETTING_BOOL, 0, 0, 0 },
                 { "pause", "250ms", "Between two.", WEFT_SETTING_DURATION, 0, 0, 0 },
                 { "buffer", "4KiB", "How much.", WEFT_SETTING_SIZE, 0, 0, 0 },
                 { "token", "", "Must be given.", WEFT_SETTING_STRING, 1, 1, 8 },
             },
             .connected = connected);
