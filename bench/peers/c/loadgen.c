/* Closed-loop TCP echo client: one thread, epoll, many connections.
 * -p port -c conns -s size -w window (messages outstanding per connection)
 * -W warm-up ms -d measured ms -n stop after this many requests (for strace counts)
 * -P server pids, comma-separated (their CPU is sampled over the measured window) -i idle: connect,
 * one echo, print RSS of -P -H depth: HTTP, depth pipelined GETs a message; the answer's length is
 * learnt from the first one. Every echo message starts with its sequence number, and the echo is
 * checked. */
#include "net.h"
#include <signal.h>

typedef struct {
    int fd;
    uint64_t sent, done; /* messages */
    uint32_t rx;         /* bytes of the current message received */
    uint64_t tx_pending; /* bytes accepted for sending but not yet written */
    int out;             /* EPOLLOUT armed */
    uint64_t *ts;        /* ring of send times */
} conn_t;

static int ep, window, http;
static size_t size, txsize; /* bytes of a message received; sent */
static char *zeros;
static uint64_t errors, total;
static hist_t H;

static void push(conn_t *c)
{
    /* the write stream is a sequence of txsize-byte messages; tx_pending bytes of it remain */
    while (c->tx_pending) {
        uint64_t off = c->sent * txsize - c->tx_pending; /* stream offset of next byte */
        uint64_t msg = off / txsize;
        size_t in = (size_t)(off % txsize), left = txsize - in;
        uint64_t hdr = msg;
        ssize_t w;
        if (http) {
            w = send(c->fd, zeros + in, left, MSG_NOSIGNAL);
        } else if (in == 0) {
            memcpy(zeros, &hdr, 8);
            w = send(c->fd, zeros, left, MSG_NOSIGNAL);
            memset(zeros, 0, 8);
        } else if (in < 8) {
            w = send(c->fd, (char *)&hdr + in, 8 - in, MSG_NOSIGNAL);
        } else {
            w = send(c->fd, zeros + in, left, MSG_NOSIGNAL);
        }
        if (w < 0) {
            if (errno == EAGAIN)
                break;
            die("send");
        }
        c->tx_pending -= (uint64_t)w;
    }
    if ((c->tx_pending != 0) != c->out) {
        c->out = c->tx_pending != 0;
        struct epoll_event e = { .events = EPOLLIN | (c->out ? EPOLLOUT : 0), .data.ptr = c };
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
    }
}

static uint64_t pids_cpu_ns(const char *p)
{
    uint64_t t = 0;
    while (p && *p) {
        char *e;
        t += pid_cpu_ns((int)strtol(p, &e, 10));
        p = *e ? e + 1 : e;
    }
    return t;
}

static void start(conn_t *c, uint64_t t)
{
    c->ts[c->sent % (uint64_t)window] = t;
    c->sent++;
    c->tx_pending += txsize;
}

static const char REQ[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static size_t learn(struct sockaddr_in *a) /* length of one answer */
{
    char b[4096];
    size_t n = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)a, sizeof *a) ||
        send(fd, REQ, sizeof REQ - 1, MSG_NOSIGNAL) < 0)
        die("connect");
    for (;;) {
        ssize_t r = recv(fd, b + n, sizeof b - 1 - n, 0);
        if (r <= 0)
            die("learn");
        b[n += (size_t)r] = 0;
        char *e = strstr(b, "\r\n\r\n"), *l = strcasestr(b, "content-length:");
        if (e && l && n >= (size_t)(e - b) + 4 + strtoul(l + 15, NULL, 10))
            break;
    }
    close(fd);
    return n;
}

int main(int argc, char **argv)
{
    int port = (int)optl(argc, argv, "-p", 9000), nc = (int)optl(argc, argv, "-c", 1);
    size = (size_t)optl(argc, argv, "-s", 64);
    window = (int)optl(argc, argv, "-w", 1);
    long warm = optl(argc, argv, "-W", 100), dur = optl(argc, argv, "-d", 500),
         maxn = optl(argc, argv, "-n", 0);
    const char *pid = opt(argc, argv, "-P", NULL);
    int idle = (int)optl(argc, argv, "-i", 0);
    http = (int)optl(argc, argv, "-H", 0);
    signal(SIGPIPE, SIG_IGN);
    ep = epoll_create1(EPOLL_CLOEXEC);
    static char buf[1 << 18];
    conn_t *cs = calloc((size_t)nc, sizeof *cs);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    txsize = size;
    if (http) {
        size = learn(&a) * (size_t)http;
        txsize = (sizeof REQ - 1) * (size_t)http;
    }
    zeros = calloc(1, txsize + 1);
    for (int i = 0; i < http; i++)
        memcpy(zeros + (size_t)i * (sizeof REQ - 1), REQ, sizeof REQ - 1);
    for (int i = 0; i < nc; i++) {
        conn_t *c = &cs[i];
        c->ts = calloc((size_t)window, sizeof *c->ts);
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0)
            die("socket");
        if (connect(c->fd, (struct sockaddr *)&a, sizeof a))
            die("connect");
        nodelay(c->fd);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e))
            die("epoll_ctl");
        if (idle) {
            struct linger lg = { 1, 0 }; /* reset at exit: no TIME_WAIT left behind */
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
            /* one request and its answer, then leave it idle */
            static const char nothing[8];
            const char *ask = http ? REQ : nothing;
            size_t n_ask = http ? sizeof REQ - 1 : sizeof nothing, got = 0;
            size_t wanted = http ? size / (size_t)http : sizeof nothing;
            if (send(c->fd, ask, n_ask, MSG_NOSIGNAL) != (ssize_t)n_ask)
                die("send");
            struct epoll_event ev;
            while (got < wanted) {
                if (epoll_wait(ep, &ev, 1, 5000) <= 0) {
                    fprintf(stderr, "idle: no answer\n");
                    return 1;
                }
                ssize_t r = recv(c->fd, buf, sizeof buf, 0);
                if (r == 0 || (r < 0 && errno != EAGAIN))
                    die("recv");
                if (r > 0)
                    got += (size_t)r;
            }
        }
    }
    if (idle) {
        struct timespec ts = { .tv_nsec = 200000000 };
        nanosleep(&ts, NULL);
        printf("ready=%d\n", nc);
        fflush(stdout);
        if (getchar() == EOF) {
        }
        return 0;
    }
    uint64_t t = now_ns();
    for (int i = 0; i < nc; i++) {
        for (int k = 0; k < window; k++)
            start(&cs[i], t);
        push(&cs[i]);
    }
    uint64_t tw = now_ns() + (uint64_t)warm * 1000000ull, t0 = 0, tend = 0, cpu0 = 0, srv0 = 0;
    struct epoll_event ev[512];
    int on = 0;
    for (;;) {
        int n = epoll_wait(ep, ev, 512, 5000);
        if (n == 0) {
            fprintf(stderr, "stalled\n");
            errors++;
            break;
        }
        if (n < 0) {
            if (errno == EINTR)
                continue;
            die("epoll_wait");
        }
        t = now_ns();
        if (!on && t >= tw) {
            on = 1;
            srv0 = pids_cpu_ns(pid);
            cpu0 = cpu_ns();
            t0 = t = now_ns();
            tend = t0 + (uint64_t)dur * 1000000ull;
            memset(&H, 0, sizeof H);
            total = 0;
        }
        if (on && (t >= tend || (maxn && total >= (uint64_t)maxn)))
            break;
        for (int i = 0; i < n; i++) {
            conn_t *c = ev[i].data.ptr;
            if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                ssize_t r =
                    recv(c->fd, buf, window == 1 && size < sizeof buf ? size : sizeof buf, 0);
                if (r == 0) {
                    fprintf(stderr, "server closed\n");
                    return 1;
                }
                if (r < 0) {
                    if (errno == EAGAIN)
                        continue;
                    die("recv");
                }
                size_t off = 0;
                int fin = 0;
                while (off < (size_t)r) {
                    size_t take = size - c->rx;
                    if (take > (size_t)r - off)
                        take = (size_t)r - off;
                    if (http) {
                        if (c->rx == 0 && take >= 12 && memcmp(buf + off, "HTTP/1.1 200", 12))
                            errors++;
                    } else if (c->rx == 0 && take >= 8) {
                        uint64_t s;
                        memcpy(&s, buf + off, 8);
                        if (s != c->done) {
                            errors++;
                            if (errors < 4)
                                fprintf(stderr, "bad echo %lu != %lu\n", s, c->done);
                        }
                    }
                    off += take;
                    c->rx += (uint32_t)take;
                    if (c->rx == size) {
                        uint64_t tt = now_ns();
                        c->rx = 0;
                        hist_add(&H, tt - c->ts[c->done % (uint64_t)window]);
                        c->done++;
                        total += http ? (uint64_t)http : 1;
                        fin++;
                    }
                }
                if (fin) {
                    uint64_t tt = now_ns();
                    while (fin--)
                        start(c, tt);
                    push(c);
                }
            }
            if ((ev[i].events & EPOLLOUT) && c->tx_pending)
                push(c);
        }
    }
    uint64_t te = now_ns();
    double sec = (double)(te - t0) / 1e9;
    if (!total)
        errors++;
    printf("reqs=%lu\nrps=%.1f\nmibps=%.2f\n", total, (double)total / sec,
           (double)total * (double)size / (http ? http : 1) / sec / 1048576.0);
    hist_print(&H);
    printf("client_util=%.3f\nclient_ns=%.1f\n", (double)(cpu_ns() - cpu0) / (double)(te - t0),
           total ? (double)(cpu_ns() - cpu0) / (double)total : 0);
    if (pid) {
        uint64_t s = pids_cpu_ns(pid) - srv0;
        printf("srv_util=%.3f\nsrv_ns=%.1f\n", (double)s / (double)(te - t0),
               total ? (double)s / (double)total : 0);
    }
    printf("errors=%lu\n", errors);
    return errors != 0;
}
