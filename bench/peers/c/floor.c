/* floor: what this machine charges for the primitives every peer is built from. Prints one key per
 * line. */
#include "net.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOOP(key, n, body)                                    \
    do {                                                      \
        for (int i = 0; i < (n) / 10; i++) {                  \
            body;                                             \
        }                                                     \
        uint64_t a_ = cpu_ns();                               \
        for (int i = 0; i < (n); i++) {                       \
            body;                                             \
        }                                                     \
        printf(key "=%.1f\n", (double)(cpu_ns() - a_) / (n)); \
    } while (0)

static void pin(int c)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(c, &s);
    sched_setaffinity(0, sizeof s, &s);
}

static _Atomic unsigned spin;
static uint32_t fw[2];
static int ef[2], mode, peer_cpu;
#define RT 20000
static void fwait(uint32_t *w)
{
    while (__atomic_load_n(w, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, w, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    __atomic_store_n(w, 0, __ATOMIC_RELEASE);
}
static void fwake(uint32_t *w)
{
    __atomic_store_n(w, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, w, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static void *peer(void *a)
{
    (void)a;
    pin(peer_cpu);
    uint64_t v;
    for (int i = 0; i < RT; i++) {
        if (mode == 0) {
            while (spin != 2u * (unsigned)i + 1) {
            }
            spin = 2u * (unsigned)i + 2;
        } else if (mode == 1) {
            fwait(&fw[0]);
            fwake(&fw[1]);
        } else {
            if (read(ef[0], &v, 8) != 8)
                die("read");
            v = 1;
            if (write(ef[1], &v, 8) != 8)
                die("write");
        }
    }
    return NULL;
}
static void rtt(const char *key, int m, int cpu)
{
    pthread_t t;
    static hist_t h;
    memset(&h, 0, sizeof h);
    mode = m;
    peer_cpu = cpu;
    spin = 0;
    pthread_create(&t, NULL, peer, NULL);
    uint64_t v;
    for (int i = 0; i < RT; i++) {
        uint64_t s = now_ns();
        if (m == 0) {
            spin = 2u * (unsigned)i + 1;
            while (spin != 2u * (unsigned)i + 2) {
            }
        } else if (m == 1) {
            fwake(&fw[0]);
            fwait(&fw[1]);
        } else {
            v = 1;
            if (write(ef[0], &v, 8) != 8)
                die("write");
            if (read(ef[1], &v, 8) != 8)
                die("read");
        }
        hist_add(&h, now_ns() - s);
    }
    pthread_join(t, NULL);
    printf("%s_p50_ns=%lu\n", key, hist_q(&h, .5));
}

int main(void)
{
    pin(1);
    uint64_t v = 1;
    int e = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0), sv[2];
    char b[64] = { 0 };
    struct epoll_event ev = { .events = EPOLLIN }, got[8];
    LOOP("clock_gettime", 200000, now_ns());
    LOOP("syscall_getppid", 200000, syscall(SYS_getppid));
    LOOP("eventfd_write", 100000, if (write(e, &v, 8)){});
    if (read(e, &v, 8)) {
    }
    LOOP("eventfd_read_eagain", 100000, if (read(e, &v, 8)){});
    epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev);
    LOOP("epoll_wait_0_none", 100000, epoll_wait(ep, got, 8, 0));
    v = 1;
    if (write(e, &v, 8)) {
    }
    LOOP("epoll_wait_0_one", 100000, epoll_wait(ep, got, 8, 0));
    LOOP("epoll_ctl_mod", 100000, epoll_ctl(ep, EPOLL_CTL_MOD, e, &ev));
    LOOP("epoll_ctl_add_del", 50000, epoll_ctl(ep, EPOLL_CTL_DEL, e, &ev);
         epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
    LOOP("unix_send_recv_64", 50000, if (send(sv[0], b, 64, 0) + recv(sv[1], b, 64, 0)){});
    LOOP("unix_recv_eagain", 50000, if (recv(sv[1], b, 64, 0)){});
    int ls = tcp_listen(0), c = socket(AF_INET, SOCK_STREAM, 0), s;
    struct sockaddr_in sa;
    socklen_t sl = sizeof sa;
    getsockname(ls, (struct sockaddr *)&sa, &sl);
    connect(c, (struct sockaddr *)&sa, sl);
    fcntl(ls, F_SETFL, 0);
    s = accept(ls, NULL, NULL);
    nodelay(c);
    nodelay(s);
    fcntl(s, F_SETFL, O_NONBLOCK);
    fcntl(c, F_SETFL, O_NONBLOCK);
    LOOP("tcp_recv_eagain", 50000, if (recv(s, b, 64, 0)){});
    uint64_t snd = 0,
             rcv = 0; /* the two halves of a loopback message, each with one clock reading in it */
    for (int i = 0; i < 50000; i++) {
        uint64_t t0 = now_ns();
        if (send(c, b, 64, 0) != 64)
            die("send");
        uint64_t t1 = now_ns();
        if (recv(s, b, 64, 0) != 64)
            die("recv");
        uint64_t t2 = now_ns();
        snd += t1 - t0 < 100000 ? t1 - t0 : 3000; /* preempted: leave it out */
        rcv += t2 - t1 < 100000 ? t2 - t1 : 1500;
    }
    printf("tcp_send_64=%.1f\ntcp_recv_64=%.1f\n", (double)snd / 50000.0, (double)rcv / 50000.0);
    enum {
        PG = 20000
    };
    char *m = mmap(NULL, PG * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(m, PG * 4096, MADV_NOHUGEPAGE);
    uint64_t t0 = cpu_ns();
    for (long i = 0; i < PG; i++)
        m[i * 4096] = 1;
    printf("page_fault_4k=%.1f\n", (double)(cpu_ns() - t0) / PG);
    munmap(m, PG * 4096);
    t0 = cpu_ns();
    m = mmap(NULL, PG * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
             -1, 0);
    for (long i = 0; i < PG; i++)
        m[i * 4096] = 1;
    printf("page_populate_then_touch_4k=%.1f\n", (double)(cpu_ns() - t0) / PG);
    t0 = cpu_ns();
    madvise(m, PG * 4096, MADV_DONTNEED);
    printf("page_dontneed_4k=%.1f\n", (double)(cpu_ns() - t0) / PG);
    munmap(m, PG * 4096);
    m = mmap(NULL, PG * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(m, PG * 4096, MADV_HUGEPAGE);
    t0 = cpu_ns();
    for (long i = 0; i < PG; i++)
        m[i * 4096] = 1;
    printf("page_touch_thp_4k=%.1f\n", (double)(cpu_ns() - t0) / PG);
    munmap(m, PG * 4096);
    t0 = cpu_ns();
    for (int i = 0; i < 5000; i++) {
        m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(m, 4096, PROT_NONE);
        m[65535] = 1;
        munmap(m, 65536);
    }
    printf("stack_mmap_guard_touch_munmap=%.1f\n", (double)(cpu_ns() - t0) / 5000);
    ef[0] = eventfd(0, 0);
    ef[1] = eventfd(0, 0);
    rtt("spin_rtt_cross", 0, 0);
    rtt("futex_rtt_cross", 1, 0);
    rtt("futex_rtt_same", 1, 1);
    rtt("eventfd_rtt_cross", 2, 0);
    rtt("eventfd_rtt_same", 2, 1);
    return 0;
}
