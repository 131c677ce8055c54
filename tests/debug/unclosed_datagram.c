/* A UDP endpoint is opened and forgotten. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *transport;

    (void)arg;
    options.local_addr = "127.0.0.1";
    return weft_open_datagram_endpoint(&options, &transport);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}
