#ifndef WEFT_TESTS_HTTP_TALK_H
#define WEFT_TESTS_HTTP_TALK_H

/*
 * Conversations with weft_http_serve over socket pairs, in one loop with a
 * virtual clock. Nothing is asserted inside; results are for the test's stack.
 */

#include "weft/http.h"
#include "weft/weft.h"

#include <string>
#include <vector>

struct conversation {
    std::vector<std::string> pieces; /* each is read before the next is sent */
    bool ends = true;                /* our half is shut down behind the last one */
    std::string answer;              /* all that came back, without Date lines */
    int result = 1;                  /* of weft_http_serve */
    weft_duration took = 0;          /* until the end of the answer, on the virtual clock */
};

/* Run fn(arg) on a new loop, with a virtual clock or the real one; what it returns. */
int run_in_loop(weft_coro_fn *fn, void *arg, bool is_virtual = true);

/* Hold them one after the other. The result is 0 when all were held. */
int talk(std::vector<conversation> &conversations, const weft_http_options *options = nullptr,
         weft_http_handler_fn *handler = nullptr, void *data = nullptr);

/* One conversation of one piece. */
conversation talk_once(const std::string &input, const weft_http_options *options = nullptr,
                       weft_http_handler_fn *handler = nullptr, void *data = nullptr);

/* The default handler: 200 and "METHOD PATH QUERY N_HEADERS BODY\n". */
int describe(weft_http_request *request, weft_http_response *response, void *data);

/* The final statuses in an answer, in order; -1 where it is not well formed. */
std::vector<int> statuses(const std::string &answer, bool is_head = false);

#endif
