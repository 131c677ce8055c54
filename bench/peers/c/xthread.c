/* xthread: messages from producer threads into one loop thread, and cross-thread round trips.
 * --impl uv|eventfd|mpsc|futex  --producers P --n messages in all   or   --rtt N
 *  uv:      mutex-protected list + uv_async_send for every message (as call_soon_threadsafe is
 * built on libuv) eventfd: mutex-protected list + a write to an eventfd in epoll when the list was
 * empty mpsc:    lock-free intrusive stack; the eventfd is written only if the loop announced that
 * it sleeps (the limit) its eventfd is edge-triggered and never read, as tokio's; --spin US: look
 * at the list that long before sleeping futex:   mutex + condition variable, no loop (round trip
 * only)
 * --pin 1 (round trips): the two threads on cores 1 and 0.
 * Every message is a malloc'd node that the consumer runs (a counter) and frees. */
#include "common.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <uv.h>

typedef struct msg {
    struct msg *next;
    uint64_t *ctr;
} msg_t;
typedef struct box {
    pthread_mutex_t mu;
    pthread_cond_t cv;
    msg_t *head, **tail;
    _Atomic(msg_t *) stack;
    atomic_int asleep;
    int efd, ep;
    uv_loop_t loop;
    uv_async_t async;
    uint64_t count, target, wakes, wakeups;
    struct box *peer; /* round trip: answer there */
} box_t;
static const char *impl;
static enum {
    UV,
    EVENTFD,
    MPSC,
    FUTEX
} im;
static long N, P, RTT, SPIN, PIN;
static void pin(int c)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(c, &s);
    sched_setaffinity(0, sizeof s, &s);
}

static void box_init(box_t *b)
{
    memset(b, 0, sizeof *b);
    pthread_mutex_init(&b->mu, NULL);
    pthread_cond_init(&b->cv, NULL);
    b->tail = &b->head;
    b->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    b->ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = { .events = EPOLLIN | (im == MPSC ? (uint32_t)EPOLLET : 0) };
    epoll_ctl(b->ep, EPOLL_CTL_ADD, b->efd, &e);
}
static void kick(box_t *b)
{
    uint64_t one = 1;
    __atomic_add_fetch(&b->wakes, 1, __ATOMIC_RELAXED);
    if (write(b->efd, &one, 8) != 8)
        die("eventfd");
}
static void post(box_t *b, msg_t *m)
{
    if (im == MPSC) {
        msg_t *h = atomic_load_explicit(&b->stack, memory_order_relaxed);
        do
            m->next = h;
        while (!atomic_compare_exchange_weak_explicit(&b->stack, &h, m, memory_order_seq_cst,
                                                      memory_order_relaxed));
        if (atomic_load_explicit(&b->asleep, memory_order_seq_cst) &&
            atomic_exchange(&b->asleep, 0))
            kick(b);
        return;
    }
    m->next = NULL;
    pthread_mutex_lock(&b->mu);
    int was_empty = b->head == NULL;
    *b->tail = m;
    b->tail = &m->next;
    if (im == FUTEX)
        pthread_cond_signal(&b->cv);
    pthread_mutex_unlock(&b->mu);
    if (im == UV)
        uv_async_send(&b->async);
    else if (im == EVENTFD && was_empty)
        kick(b);
}
static void run_list(box_t *b, msg_t *m)
{
    while (m) {
        msg_t *nx = m->next;
        (*m->ctr)++;
        b->count++;
        if (b->peer)
            post(b->peer, m);
        else
            free(m);
        m = nx;
    }
}
static msg_t *take(box_t *b)
{
    pthread_mutex_lock(&b->mu);
    msg_t *m = b->head;
    b->head = NULL;
    b->tail = &b->head;
    pthread_mutex_unlock(&b->mu);
    return m;
}
static int spin(box_t *b) /* 1: something came */
{
    for (uint64_t end = SPIN ? now_ns() + (uint64_t)SPIN * 1000 : 0; SPIN && now_ns() < end;)
        for (int i = 0; i < 20; i++) {
            if (atomic_load_explicit(&b->stack, memory_order_acquire))
                return 1;
            __builtin_ia32_pause();
        }
    return atomic_load(&b->stack) != NULL;
}
static void drain(box_t *b)
{
    if (im == MPSC) {
        msg_t *m = atomic_exchange(&b->stack, NULL), *r = NULL;
        while (m) {
            msg_t *nx = m->next;
            m->next = r;
            r = m;
            m = nx;
        }
        run_list(b, r);
    } else
        run_list(b, take(b));
}
static void on_async(uv_async_t *a)
{
    box_t *b = a->data;
    drain(b);
    if (b->count >= b->target)
        uv_close((uv_handle_t *)a, NULL);
}
static void loop(box_t *b) /* until target messages have been run */
{
    if (im == UV) {
        uv_run(&b->loop, UV_RUN_DEFAULT);
        return;
    }
    if (im == FUTEX) {
        while (b->count < b->target) {
            pthread_mutex_lock(&b->mu);
            while (!b->head)
                pthread_cond_wait(&b->cv, &b->mu);
            msg_t *m = b->head;
            b->head = NULL;
            b->tail = &b->head;
            pthread_mutex_unlock(&b->mu);
            run_list(b, m);
        }
        return;
    }
    while (b->count < b->target) {
        if (im == MPSC) {
            if (spin(b)) {
                drain(b);
                continue;
            }
            atomic_store(&b->asleep, 1);
            if (atomic_load(&b->stack)) {
                atomic_store(&b->asleep, 0);
                continue;
            }
        }
        struct epoll_event e;
        uint64_t v;
        if (epoll_wait(b->ep, &e, 1, -1) > 0 && im == EVENTFD && read(b->efd, &v, 8) > 0)
            b->wakeups++;
        if (im == MPSC)
            atomic_store(&b->asleep, 0);
        drain(b);
    }
}
static box_t A, B;
static uint64_t ran;
static void *producer(void *a)
{
    (void)a;
    for (long i = 0; i < N / P; i++) {
        msg_t *m = malloc(sizeof *m);
        m->ctr = &ran;
        post(&A, m);
    }
    return NULL;
}
static void *responder(void *a)
{
    (void)a;
    if (PIN)
        pin(0);
    loop(&B);
    return NULL;
}
/* round trip, seen from A's thread: post to B, B posts back to A, A's callback ends one trip and
 * starts the next */
static hist_t H;
static uint64_t t_sent, trips;
static void trip(void)
{
    static msg_t *m;
    static uint64_t z;
    if (!m) {
        m = malloc(sizeof *m);
        m->ctr = &z;
    }
    t_sent = now_ns();
    post(&B, m);
}
static void rtt_drain(box_t *b)
{
    if (im == MPSC ? atomic_exchange(&b->stack, NULL) != NULL : take(b) != NULL) {
        hist_add(&H, now_ns() - t_sent);
        if (++trips < (uint64_t)RTT)
            trip();
    }
}
static void on_async_rtt(uv_async_t *a)
{
    rtt_drain(a->data);
    if (trips >= (uint64_t)RTT)
        uv_close((uv_handle_t *)a, NULL);
}
static void rtt_loop(box_t *b)
{
    trip();
    if (im == UV) {
        uv_run(&b->loop, UV_RUN_DEFAULT);
        return;
    }
    while (trips < (uint64_t)RTT) {
        if (im == FUTEX) {
            pthread_mutex_lock(&b->mu);
            while (!b->head)
                pthread_cond_wait(&b->cv, &b->mu);
            pthread_mutex_unlock(&b->mu);
            rtt_drain(b);
            continue;
        }
        if (im == MPSC) {
            if (spin(b)) {
                rtt_drain(b);
                continue;
            }
            atomic_store(&b->asleep, 1);
            if (atomic_load(&b->stack)) {
                atomic_store(&b->asleep, 0);
                continue;
            }
        }
        struct epoll_event e;
        uint64_t v;
        if (epoll_wait(b->ep, &e, 1, -1) > 0 && im == EVENTFD && read(b->efd, &v, 8) > 0) {
        }
        if (im == MPSC)
            atomic_store(&b->asleep, 0);
        rtt_drain(b);
    }
}
int main(int argc, char **argv)
{
    impl = opt(argc, argv, "--impl", "uv");
    im = !strcmp(impl, "uv")        ? UV
         : !strcmp(impl, "eventfd") ? EVENTFD
         : !strcmp(impl, "mpsc")    ? MPSC
                                    : FUTEX;
    N = optl(argc, argv, "--n", 1000000);
    P = optl(argc, argv, "--producers", 1);
    RTT = optl(argc, argv, "--rtt", 0);
    SPIN = optl(argc, argv, "--spin", 0);
    PIN = optl(argc, argv, "--pin", 0);
    box_init(&A);
    box_init(&B);
    if (im == UV) {
        uv_loop_init(&A.loop);
        uv_loop_init(&B.loop);
        uv_async_init(&A.loop, &A.async, RTT ? on_async_rtt : on_async);
        uv_async_init(&B.loop, &B.async, on_async);
        A.async.data = &A;
        B.async.data = &B;
    }
    if (RTT) {
        B.peer = &A;
        B.target = (uint64_t)RTT;
        pthread_t t;
        pthread_create(&t, NULL, responder, NULL);
        if (PIN)
            pin(1);
        uint64_t c0 = cpu_ns(), w0 = now_ns();
        rtt_loop(&A);
        pthread_join(t, NULL);
        printf("rtt_us=%.3f\ncpu_us=%.3f\n", (double)(now_ns() - w0) / 1e3 / (double)RTT,
               (double)(cpu_ns() - c0) / 1e3 / (double)RTT);
        hist_print(&H);
        return 0;
    }
    N = N / P * P;
    A.target = (uint64_t)N;
    pthread_t t[16];
    uint64_t w0 = now_ns(), c0 = cpu_ns();
    for (long i = 0; i < P; i++)
        pthread_create(&t[i], NULL, producer, NULL);
    loop(&A);
    uint64_t w = now_ns() - w0;
    for (long i = 0; i < P; i++)
        pthread_join(t[i], NULL);
    if (ran != (uint64_t)N) {
        fprintf(stderr, "lost messages: %lu of %ld\n", ran, N);
        return 1;
    }
    printf("msgs_per_s=%.0f\nwall_ns=%.1f\ncpu_ns=%.1f\nwakes=%lu\n", (double)N * 1e9 / (double)w,
           (double)w / (double)N, (double)(cpu_ns() - c0) / (double)N, A.wakes);
    return 0;
}
