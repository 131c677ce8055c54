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
#include <fcntl.h>
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

/* Room for one descriptor, aligned as the kernel wants it. */
union attachment {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *message, union attachment *attachment, int fd)
{
    memset(attachment, 0, sizeof *attachment);
    message->msg_control = attachment;
    message->msg_controllen = sizeof attachment->room;
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
}

int channel_send_with(int fd, const struct channel_packet *packet, int attached)
{
    struct channel_packet copy = *packet;
    struct iovec piece = { .iov_base = &copy, .iov_len = sizeof copy };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    union attachment attachment;
    ssize_t n;

    copy.version = CHANNEL_VERSION;
    make_text_harmless(copy.text);
    if (attached >= 0) {
        attach(&message, &attachment, attached);
    }
    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        /* The peer may have closed with packets unread: to us it is gone all the same. */
        return errno == ECONNRESET ? -EPIPE : -errno;
    }
    return 0;
}

int channel_send(int fd, const struct channel_packet *packet)
{
    return channel_send_with(fd, packet, -1);
}

/* What came with <message>, or -1. There was room for one; the kernel closes what is beyond it. */
static int detach(struct msghdr *message)
{
    struct cmsghdr *head = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;
    int fd = -1;

    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof fd)) {
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    }
    return fd;
}

/* Only a memfd has seals; with these three nobody can change what is read from it. */
static int keep_if_sealed(int fd)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;

    if (fd >= 0 && (seals < 0 || (seals & wanted) != wanted)) {
        close(fd);
        return -1;
    }
    return fd;
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

/* <attachment> NULL: there is no room for a descriptor, and the kernel closes what comes. */
static int receive(int fd, struct channel_packet *out_packet, union attachment *attachment,
                   int *out_attached)
{
    struct channel_packet packet;
    struct iovec piece = { .iov_base = &packet, .iov_len = sizeof packet };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    ssize_t n;

    if (attachment != NULL) {
        message.msg_control = attachment;
        message.msg_controllen = sizeof attachment->room;
    }
    /* ECONNRESET says once that the peer has left something unread; what it sent is still there. */
    do {
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0) {
        return -errno;
    }
    int attached = attachment != NULL ? keep_if_sealed(detach(&message)) : -1;
    if (n == 0) {
        int r = tell_end_from_empty(fd);
        if (attached >= 0) {
            close(attached);
        }
        return r;
    }
    if (n != (ssize_t)sizeof packet || (message.msg_flags & MSG_TRUNC) != 0 ||
        packet.version != CHANNEL_VERSION || packet.kind >= CHANNEL_N_KINDS) {
        if (attached >= 0) {
            close(attached);
        }
        return -EPROTO;
    }
    make_text_harmless(packet.text);
    *out_packet = packet;
    *out_attached = attached;
    return 0;
}

int channel_receive(int fd, struct channel_packet *out_packet)
{
    int none;

    return receive(fd, out_packet, NULL, &none);
}

int channel_receive_with(int fd, struct channel_packet *out_packet, int *out_attached)
{
    union attachment attachment;

    return receive(fd, out_packet, &attachment, out_attached);
}
