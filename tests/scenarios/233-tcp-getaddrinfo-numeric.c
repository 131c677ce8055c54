/*
 * 233-tcp-getaddrinfo-numeric: Resolving a numeric address in the pool gives exactly that address;
 * nonsense is an error.
 */
#include "support/scenario.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

static int story(void *arg)
{
    weft_getaddrinfo_options options = WEFT_GETADDRINFO_OPTIONS_INIT;
    weft_addrinfo_list *list;
    char host[WEFT_HOST_SIZE];
    char port[WEFT_SERVICE_SIZE];

    (void)arg;
    options.type = SOCK_STREAM;
    MUST(weft_loop_getaddrinfo(NULL, "127.0.0.1", "80", &options, &list));
    weft_addrinfo first = weft_addrinfo_list_get(list, 0);
    MUST(weft_loop_getnameinfo(NULL, first.address, first.address_len,
                               NI_NUMERICHOST | NI_NUMERICSERV, WEFT_FOREVER, host, sizeof host,
                               port, sizeof port));
    trace("%zu %s %s", weft_addrinfo_list_get_n(list), host, port);
    weft_addrinfo_list_destroy(list);

    options = (weft_getaddrinfo_options)WEFT_GETADDRINFO_OPTIONS_INIT;
    options.flags = AI_NUMERICHOST;
    int r = weft_loop_getaddrinfo(NULL, "256.0.0.1", "80", &options, &list);
    if (r < 0) {
        trace("%s", err(r));
    } else {
        weft_addrinfo_list_destroy(list);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
