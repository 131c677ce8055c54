/*
 * pipe-transport-fifo: FIFOs by name, sockets and a terminal; a regular file is refused; the
 * descriptor can be asked for.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static void end_both(struct tracer *a, struct tracer *b)
{
    tracer_end(a);
    tracer_end(b);
}

static int refused_case(void)
{
    struct tracer t = { .name = "file" };
    FILE *file = tmpfile();

    trace("refused %s", err(read_pipe(&t, fileno(file))));
    trace("refused %s", err(write_pipe(&t, fileno(file))));
    fclose(file);
    return 0;
}

static int fifo_case(void)
{
    struct tracer a = { .name = "r" };
    struct tracer b = { .name = "w" };
    char folder[] = "/tmp/weft-fifo-XXXXXX";
    char path[sizeof folder + 8];

    MUST(mkdtemp(folder) != NULL ? 0 : -1);
    (void)snprintf(path, sizeof path, "%s/fifo", folder);
    MUST(mkfifo(path, 0600));
    int r = open(path, O_RDONLY | O_NONBLOCK);
    WEFT_TRY(read_pipe(&a, r));
    WEFT_TRY(turns(3));
    trace("nobody writes");
    int w = open(path, O_WRONLY | O_NONBLOCK);
    WEFT_TRY(write_pipe(&b, w));
    trace("fd %d %d", weft_transport_get_fd(a.transport) == r,
          weft_transport_get_fd(b.transport) == w);
    send_text(b.transport, "through a fifo");
    WEFT_TRY(turns(3));
    MUST(weft_transport_close(b.transport));
    WEFT_TRY(await_lost(&a));
    unlink(path);
    rmdir(folder);
    end_both(&a, &b);
    return 0;
}

static int socket_case(void)
{
    struct tracer a = { .name = "r" };
    struct tracer b = { .name = "w" };
    int ends[2];

    trace("-- sockets");
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    WEFT_TRY(read_pipe(&a, ends[0]));
    WEFT_TRY(write_pipe(&b, ends[1]));
    send_text(b.transport, "through a socket");
    WEFT_TRY(turns(3));
    MUST(weft_transport_close(a.transport));
    WEFT_TRY(await_lost(&b));
    end_both(&a, &b);
    return 0;
}

static int packet_case(void)
{
    struct tracer a = { .name = "r" };
    int ends[2];

    trace("-- packets");
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
    WEFT_TRY(read_pipe(&a, ends[0]));
    peer_send(ends[1], "first");
    peer_send(ends[1], "second");
    close(ends[1]);
    WEFT_TRY(await_lost(&a));
    tracer_end(&a);
    return 0;
}

static int talking_peer_case(void)
{
    struct tracer b = { .name = "w" };
    int ends[2];

    trace("-- a peer that talks back");
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    WEFT_TRY(write_pipe(&b, ends[1]));
    peer_send(ends[0], "?");
    WEFT_TRY(await_lost(&b));
    close(ends[0]);
    tracer_end(&b);
    return 0;
}

static struct tracer slave = { .name = "slave" };

static int close_slave(struct tracer *tracer)
{
    (void)tracer;
    return weft_transport_close(slave.transport);
}

static int terminal_case(void)
{
    struct tracer master = { .name = "master", .data = close_slave };
    struct termios settings;

    trace("-- a terminal");
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    MUST(grantpt(fd));
    MUST(unlockpt(fd));
    int other = open(ptsname(fd), O_RDWR | O_NOCTTY);
    MUST(tcgetattr(other, &settings));
    cfmakeraw(&settings);
    MUST(tcsetattr(other, TCSANOW, &settings));
    WEFT_TRY(read_pipe(&master, fd));
    WEFT_TRY(write_pipe(&slave, other));
    send_text(slave.transport, "to the master");
    WEFT_TRY(await_lost(&master));
    end_both(&master, &slave);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(fifo_case());
    WEFT_TRY(refused_case());
    WEFT_TRY(socket_case());
    WEFT_TRY(packet_case());
    WEFT_TRY(talking_peer_case());
    return terminal_case();
}

int main(void)
{
    return scenario_main_real(story);
}
