/* Ablation: an echo server with one stackful coroutine per connection, to price ways of waiting.
 * Not a peer.
 * --port N --mode own|uv|uvstop|nested
 *  own:    own epoll set, edge-triggered, registered once; a short read or write means "wait for
 * the edge" uv:     libuv; reading is left on, alloc_cb hands out the waiting coroutine's own
 * buffer, and the read is only stopped if data comes while nobody waits (lazy stop) uvstop: libuv;
 * uv_read_start before every wait and uv_read_stop when data has come (the plain way) nested: own
 * edge-triggered epoll set, itself polled by a libuv loop through one uv_poll_t */
#include "asmctx.h"
#include "net.h"
#include <signal.h>
#include <sys/mman.h>
#include <uv.h>

#define STK 16384
#define BUF 16384
typedef struct conn {
    actx_t c;
    uv_tcp_t t;
    int fd, rdy, wrdy, hup, waiting, stopped, dead;
    ssize_t res;
    char *buf;
    size_t len;
    struct conn *next;
} conn_t;
static actx_t amain;
static conn_t *pool, *starting;
static int ep, ls;
static enum {
    OWN,
    UV,
    UVSTOP,
    NESTED
} mode;

static void yield(conn_t *c)
{
    actx_switch(&c->c, &amain);
}
static void resume(conn_t *c)
{
    actx_switch(&amain, &c->c);
}

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b)
{
    (void)n;
    conn_t *c = h->data;
    *b = c->waiting ? uv_buf_init(c->buf, (unsigned)c->len) : uv_buf_init(NULL, 0);
}
static void on_close(uv_handle_t *h)
{
    conn_t *c = h->data;
    c->next = pool;
    pool = c;
}
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    (void)b;
    conn_t *c = s->data;
    if (n == 0)
        return;
    if (!c->waiting || mode == UVSTOP) {
        uv_read_stop(s);
        c->stopped = 1;
    }
    if (!c->waiting)
        return; /* UV_ENOBUFS: nobody there; the next co_read starts it again */
    c->waiting = 0;
    c->res = n;
    resume(c);
    if (c->dead)
        uv_close((uv_handle_t *)s, on_close);
}
static ssize_t co_read(conn_t *c, char *b, size_t n)
{
    if (mode == UV || mode == UVSTOP) {
        c->buf = b;
        c->len = n;
        c->waiting = 1;
        if (c->stopped) {
            c->stopped = 0;
            uv_read_start((uv_stream_t *)&c->t, on_alloc, on_read);
        }
        yield(c);
        return c->res;
    }
    for (;;) {
        if (!c->rdy && !c->hup) {
            c->waiting = 1;
            yield(c);
            c->waiting = 0;
        }
        ssize_t r = recv(c->fd, b, n, 0);
        if (r < 0 && errno == EAGAIN) {
            c->rdy = 0;
            continue;
        }
        if ((size_t)r < n)
            c->rdy = 0;
        return r;
    }
}
static int co_write(conn_t *c, const char *b, size_t n)
{
    while (n) {
        ssize_t w;
        if (mode == UV || mode == UVSTOP) {
            uv_buf_t v = uv_buf_init((char *)b, (unsigned)n);
            w = uv_try_write((uv_stream_t *)&c->t, &v, 1);
            if (w == UV_EAGAIN) {
                fprintf(stderr, "echo_co: backlog in a libuv mode is not handled\n");
                return -1;
            }
        } else {
            w = send(c->fd, b, n, MSG_NOSIGNAL);
            if (w < 0 && errno == EAGAIN) {
                c->wrdy = 0;
                while (!c->wrdy && !c->hup) {
                    c->waiting = 2;
                    yield(c);
                    c->waiting = 0;
                }
                continue;
            }
        }
        if (w < 0)
            return -1;
        b += w;
        n -= (size_t)w;
    }
    return 0;
}
static void body(void)
{
    conn_t *c = starting;
    for (;;) { /* a pooled stack serves connection after connection */
        char b[BUF / 2];
        ssize_t r;
        while ((r = co_read(c, b, sizeof b)) > 0)
            if (co_write(c, b, (size_t)r))
                break;
        c->dead = 1;
        if (mode == OWN || mode == NESTED) {
            close(c->fd);
            c->next = pool;
            pool = c;
        }
        yield(c);
    }
}
static conn_t *conn_new(void)
{
    conn_t *c = pool;
    if (c) {
        pool = c->next;
        actx_t k = c->c;
        memset(c, 0, sizeof *c);
        c->c = k;
        return c;
    }
    char *s =
        mmap(NULL, STK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s == MAP_FAILED)
        die("mmap");
    c = calloc(1, sizeof *c);
    actx_make(&c->c, s + STK, body);
    return c;
}
static void accept_all(void)
{
    int fd;
    while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        nodelay(fd);
        conn_t *c = conn_new();
        c->fd = fd;
        c->rdy = c->wrdy = 1;
        struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = c };
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        starting = c;
        resume(c);
    }
}
static int turn(int timeout)
{
    struct epoll_event ev[256];
    int n = epoll_wait(ep, ev, 256, timeout);
    for (int i = 0; i < n; i++) {
        conn_t *c = ev[i].data.ptr;
        if (!c) {
            accept_all();
            continue;
        }
        if (c->dead)
            continue;
        if (ev[i].events & EPOLLIN)
            c->rdy = 1;
        if (ev[i].events & EPOLLOUT)
            c->wrdy = 1;
        if (ev[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->hup = 1;
        if ((c->waiting == 1 && (c->rdy || c->hup)) || (c->waiting == 2 && (c->wrdy || c->hup)))
            resume(c);
    }
    return n;
}
static void on_inner(uv_poll_t *p, int st, int ev)
{
    (void)p;
    (void)st;
    (void)ev;
    while (turn(0) == 256) {
    }
}
static void on_conn(uv_stream_t *l, int st)
{
    if (st)
        return;
    conn_t *c = conn_new();
    uv_tcp_init(l->loop, &c->t);
    c->t.data = c;
    if (uv_accept(l, (uv_stream_t *)&c->t)) {
        uv_close((uv_handle_t *)&c->t, on_close);
        return;
    }
    uv_tcp_nodelay(&c->t, 1);
    c->stopped = 1;
    starting = c;
    resume(c);
}
int main(int argc, char **argv)
{
    int port = (int)optl(argc, argv, "--port", 9000);
    const char *m = opt(argc, argv, "--mode", "own");
    mode = !strcmp(m, "own") ? OWN : !strcmp(m, "uv") ? UV : !strcmp(m, "uvstop") ? UVSTOP : NESTED;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *l = uv_default_loop();
    if (mode == UV || mode == UVSTOP) {
        static uv_tcp_t t;
        uv_tcp_init(l, &t);
        uv_tcp_open(&t, tcp_socket_reuseport(port));
        uv_listen((uv_stream_t *)&t, 4096, on_conn);
        return uv_run(l, UV_RUN_DEFAULT);
    }
    ep = epoll_create1(EPOLL_CLOEXEC);
    ls = tcp_listen(port);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    if (mode == OWN)
        for (;;)
            turn(-1);
    static uv_poll_t p;
    uv_poll_init(l, &p, ep);
    uv_poll_start(&p, UV_READABLE, on_inner);
    return uv_run(l, UV_RUN_DEFAULT);
}
