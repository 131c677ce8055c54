/*
 * /plaintext alone, without the pages around it: what the benchmarks of HTTP
 * measure.
 *
 * Thread: the loop's, in the connection's task.
 */

#include "handlers.h"

int http_answer_plaintext(weft_http_response *response)
{
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "text/plain"));
    return weft_http_response_set_body_static(response, "Hello, World!", 13);
}
