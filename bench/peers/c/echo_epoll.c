/* Raw epoll TCP echo, and the minimal HTTP answerer (--http 1): the reference that the peers are
 * read against. Ablations: --drain 1 reads on until EAGAIN; --rearm 1 is EPOLLONESHOT with an
 * EPOLL_CTL_MOD for every wait.
 * --port N --threads N (SO_REUSEPORT listener and epoll set per thread). Level-triggered,
 * registered once per connection, one read and one write a wake-up, no per-connection user memory
 * unless a write comes up short. */
#include "net.h"
#include <pthread.h>

typedef struct {
    char *p;
    size_t len, off;
} pend_t;
static int port, http, drain, rearm;
static const char RESP[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
#define RL  (sizeof RESP - 1)
#define BUF 262144

static pend_t *pend; /* by fd; each fd belongs to one thread */

static int flush_pend(int fd)
{
    pend_t *q = &pend[fd];
    while (q->off < q->len) {
        ssize_t w = send(fd, q->p + q->off, q->len - q->off, MSG_NOSIGNAL);
        if (w < 0)
            return errno == EAGAIN ? 0 : -1;
        q->off += (size_t)w;
    }
    free(q->p);
    q->p = NULL;
    q->len = q->off = 0;
    return 1;
}

static void *serve(void *arg)
{
    (void)arg;
    int ep = epoll_create1(EPOLL_CLOEXEC), ls = tcp_listen(port);
    struct epoll_event e = { .events = EPOLLIN, .data.fd = ls }, ev[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    char *buf = malloc(BUF), *out = malloc(RL * (BUF / 16));
    for (;;) {
        int n = epoll_wait(ep, ev, 512, -1);
        for (int i = 0; i < n; i++) {
            int fd = ev[i].data.fd;
            if (fd == ls) {
                int c;
                while ((c = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    nodelay(c);
                    e.events = EPOLLIN | (rearm ? (uint32_t)EPOLLONESHOT : 0);
                    e.data.fd = c;
                    epoll_ctl(ep, EPOLL_CTL_ADD, c, &e);
                }
                continue;
            }
            if (pend[fd].p) {
                int r = (ev[i].events & EPOLLOUT) ? flush_pend(fd) : 0;
                if (r < 0) {
                    close(fd);
                    free(pend[fd].p);
                    pend[fd].p = NULL;
                    continue;
                }
                if (r == 0)
                    continue;
                e.events = EPOLLIN;
                e.data.fd = fd;
                epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
                continue;
            }
            ssize_t r = recv(fd, buf, BUF, 0);
            if (r <= 0) {
                if (r < 0 && errno == EAGAIN)
                    continue;
                close(fd);
                continue;
            }
            char *src = buf;
            size_t len = (size_t)r;
            if (http) { /* one response per blank line; requests here never straddle reads */
                size_t k = 0;
                char *p = buf, *end = buf + r;
                while ((p = memmem(p, (size_t)(end - p), "\r\n\r\n", 4))) {
                    memcpy(out + k, RESP, RL);
                    k += RL;
                    p += 4;
                }
                src = out;
                len = k;
                if (!k)
                    continue;
            }
            ssize_t w = send(fd, src, len, MSG_NOSIGNAL);
            if (w < 0 && errno != EAGAIN) {
                close(fd);
                continue;
            }
            if (w < 0)
                w = 0;
            if ((size_t)w < len) {
                pend_t *q = &pend[fd];
                q->len = len - (size_t)w;
                q->off = 0;
                q->p = malloc(q->len);
                memcpy(q->p, src + w, q->len);
                e.events = EPOLLOUT;
                e.data.fd = fd;
                epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
                continue;
            }
            if (drain) {
                char x[1];
                if (recv(fd, x, 1, MSG_PEEK) >= 0) {
                } /* priced, not used: level-triggered, it will be told again */
            }
            if (rearm) {
                e.events = EPOLLIN | EPOLLONESHOT;
                e.data.fd = fd;
                epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    port = (int)optl(argc, argv, "--port", 9000);
    http = (int)optl(argc, argv, "--http", 0);
    drain = (int)optl(argc, argv, "--drain", 0);
    rearm = (int)optl(argc, argv, "--rearm", 0);
    int nt = (int)optl(argc, argv, "--threads", 1);
    pend = calloc(65536, sizeof *pend);
    pthread_t t;
    for (int i = 1; i < nt; i++)
        pthread_create(&t, NULL, serve, NULL);
    serve(NULL);
}
