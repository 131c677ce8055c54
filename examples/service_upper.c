/* A line server that answers in upper case: the whole service module. */
#include <ctype.h>
#include <weft/service.h>

static int upper(weft_service *service, weft_stream *stream)
{
    char *line;
    size_t n;

    (void)service;
    while (weft_stream_readline(stream, &line, &n) == 0 && n > 0) {
        for (size_t i = 0; i < n; i++) {
            line[i] = (char)toupper((unsigned char)line[i]);
        }
        WEFT_TRY(weft_stream_write(stream, line, n));
        WEFT_TRY(weft_stream_drain(stream));
    }
    return 0;
}

WEFT_SERVICE(.name = "upper", .connected = upper);
