/*
 * transport-sendfile: A file follows what is queued; writes are refused meanwhile; the count and
 * the position of the file; a part of a file.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int send_file(void *arg)
{
    struct tracer *a = arg;
    uint64_t sent = 0;

    WEFT_TRY(weft_loop_sendfile(NULL, a->transport, a->n, 0, 0, 0, &sent));
    return weft_return_int((int64_t)sent);
}

static int make_file(void)
{
    int fd = MUST(memfd_create("scenario", MFD_CLOEXEC));

    for (int i = 0; i < 20000; i++) {
        MUST((int)write(fd, "0123456789", 10));
    }
    return fd;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a" };
    int peer = connect_tracer(&a);
    char text[16];
    size_t n = 0;
    uint64_t sent = 0;
    weft_value value;
    char *bytes = MUST_HAVE(malloc(50000));

    a.n = make_file();
    memset(bytes, '-', 50000);
    MUST(weft_transport_write(a.transport, bytes, 50000));
    free(bytes);
    weft_task *task = spawn(send_file, &a);
    WEFT_TRY(turns(2));
    trace("reading %d", weft_transport_is_reading(a.transport));
    int r = weft_transport_write(a.transport, "x", 1);
    trace("%s %s", err(r), message(r));
    while (!weft_future_done(task)) {
        n += receive(peer, NULL, 0);
        WEFT_TRY(weft_sleep(0));
    }
    n += receive(peer, NULL, 0);
    WEFT_TRY(join(task, &value));
    trace("sent %d received %zu position %d", (int)value.as.num, n, (int)lseek(a.n, 0, SEEK_CUR));
    trace("reading %d", weft_transport_is_reading(a.transport));
    WEFT_TRY(weft_loop_sendfile(NULL, a.transport, a.n, 15, 10, 0, &sent));
    trace("sent %d position %d", (int)sent, (int)lseek(a.n, 0, SEEK_CUR));
    n = receive(peer, text, sizeof text);
    trace("%.*s", (int)n, text);
    MUST(weft_transport_close(a.transport));
    r = weft_loop_sendfile(NULL, a.transport, a.n, 0, 0, 0, &sent);
    trace("%s %s", err(r), message(r));
    WEFT_TRY(turns(3));
    close(a.n);
    close(peer);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}
