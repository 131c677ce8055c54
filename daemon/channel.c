/*
 * channel.c: packets of one struct over a SOCK_SEQPACKET pair.
 *
 * A sequenced packet arrives whole or not at all, so there is nothing to frame
 * and nothing to buffer. The receiver trusts the kernel for that and nobody for
 * the content: what is not exactly one known packet is refused, and a text is
 * made harmless before anybody sees it, because it ends up in logs and terminals.
 *
 * Thread: any; each descriptor is used by one thread.
 */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const char *channel_kind_name(enum channel_kind kind)
{
    static const char *const names[] = {
#define X(member, text) [CHANNEL_##member] = (text),
        CHANNEL_KIND_LIST(X)
#undef X
    };

    return (unsigned)kind < CHANNEL_N_KINDS ? names[kind] : "unknown";
}

int channel_pair(int *out_supervisor, int *out_worker)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return -errno;
    }
    *out_supervisor = pair[0];
    *out_worker = pair[1];
    return 0;
}

/* One line of printable ASCII, terminated, with no byte of memory behind its end. */
static void make_text_harmless(char *text)
{
    size_t i;

    for (i = 0; i < CHANNEL_TEXT_SIZE - 1 && text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n' || c == '\t') {
            text[i] = ' ';
        } else if (c < 0x20 || c > 0x7e) {
            text[i] = '?';
        }
    }
    memset(text + i, 0, CHANNEL_TEXT_SIZE - i);
}

int channel_send(int fd, const struct channel_packet *packet)
{
    struct channel_packet copy = *packet;
    ssize_t n;

    copy.version = CHANNEL_VERSION;
    make_text_harmless(copy.text);
    do {
        n = send(fd, &copy, sizeof copy, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        /* The peer may have closed with packets unread: to us it is gone all the same. */
        return errno == ECONNRESET ? -EPIPE : -errno;
    }
    return 0;
}

/* An empty packet and the end of file both read as 0 bytes; only the latter hangs up. */
static int tell_end_from_empty(int fd)
{
    struct pollfd poller = { .fd = fd, .events = POLLIN };
    int pending = 0;

    if (poll(&poller, 1, 0) < 0 || (poller.revents & POLLHUP) == 0) {
        return -EPROTO;
    }
    if (ioctl(fd, FIONREAD, &pending) == 0 && pending > 0) {
        return -EPROTO;
    }
    return 1;
}

int channel_receive(int fd, struct channel_packet *out_packet)
{
    struct channel_packet packet;
    struct iovec piece = { .iov_base = &packet, .iov_len = sizeof packet };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    ssize_t n;

    /* ECONNRESET says once that the peer has left something unread; what it sent is still there.
     * Descriptors that somebody attaches are closed by the kernel, as there is no room for them. */
    do {
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0) {
        return -errno;
    }
    if (n == 0) {
        return tell_end_from_empty(fd);
    }
    if (n != (ssize_t)sizeof packet || (message.msg_flags & MSG_TRUNC) != 0 ||
        packet.version != CHANNEL_VERSION || packet.kind >= CHANNEL_N_KINDS) {
        return -EPROTO;
    }
    make_text_harmless(packet.text);
    *out_packet = packet;
    return 0;
}
