/* executor: empty jobs on a pool of threads, completion delivered back to the loop thread.
 * --impl uv|glib|raw  --threads T  --n jobs --window W (outstanding)   or  --fair ms (see below)
 * fair: F=16 jobs that block for 5 ms are kept outstanding; a short job is submitted every 1 ms
 * after the last one's completion; the short jobs' latency is reported. */
#include "common.h"
#include <glib.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <uv.h>

typedef struct job {
    struct job *next;
    uint64_t t;
    int kind;
    uv_work_t w;
} job_t;
static const char *impl;
static long N, W, T, FAIR;
static hist_t H;
static uint64_t submitted, done, tend;
static int finished;
static void submit(int kind);

static void body(job_t *j)
{
    if (j->kind == 1)
        usleep(5000);
}
static long shorts_out;
static void complete(job_t *j) /* on the loop thread */
{
    uint64_t t = now_ns();
    int kind = j->kind;
    if (!FAIR || kind == 0)
        hist_add(&H, t - j->t);
    free(j);
    done++;
    if (FAIR) {
        if (t >= tend) {
            finished = 1;
            return;
        }
        if (kind == 1)
            submit(1);
        else
            shorts_out--;
        return;
    }
    if (submitted < (uint64_t)N)
        submit(0);
    else if (done == (uint64_t)N)
        finished = 1;
}
/* --- raw: mutex + condition variable queue in, lock-free stack and an elided eventfd out --- */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static job_t *qh, **qt = &qh, *outs;
static int idle, asleep, efd, stop;
static void *rworker(void *a)
{
    (void)a;
    for (;;) {
        pthread_mutex_lock(&mu);
        while (!qh && !stop) {
            idle++;
            pthread_cond_wait(&cv, &mu);
            idle--;
        }
        if (stop) {
            pthread_mutex_unlock(&mu);
            return NULL;
        }
        job_t *j = qh;
        qh = j->next;
        if (!qh)
            qt = &qh;
        pthread_mutex_unlock(&mu);
        body(j);
        job_t *h = __atomic_load_n(&outs, __ATOMIC_RELAXED);
        do
            j->next = h;
        while (!__atomic_compare_exchange_n(&outs, &h, j, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
        if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) &&
            __atomic_exchange_n(&asleep, 0, __ATOMIC_SEQ_CST)) {
            uint64_t v = 1;
            if (write(efd, &v, 8)) {
            }
        }
    }
}
/* --- GLib: GThreadPool in, GAsyncQueue out --- */
static GThreadPool *gp;
static GAsyncQueue *gq;
static void gfn(gpointer d, gpointer u)
{
    (void)u;
    body(d);
    g_async_queue_push(gq, d);
}
/* --- libuv --- */
static void uvw(uv_work_t *w)
{
    body(w->data);
}
static void uvd(uv_work_t *w, int st)
{
    (void)st;
    complete(w->data);
}
static uv_timer_t tick;

static void submit(int kind)
{
    job_t *j = malloc(sizeof *j);
    j->t = now_ns();
    j->kind = kind;
    j->next = NULL;
    submitted++;
    if (impl[0] == 'u') {
        j->w.data = j;
        uv_queue_work(uv_default_loop(), &j->w, uvw, uvd);
    } else if (impl[0] == 'g')
        g_thread_pool_push(gp, j, NULL);
    else {
        pthread_mutex_lock(&mu);
        *qt = j;
        qt = &j->next;
        if (idle)
            pthread_cond_signal(&cv);
        pthread_mutex_unlock(&mu);
    }
}
static uint64_t next_short;
static void pace(void)
{
    if (FAIR && !shorts_out && now_ns() >= next_short && !finished) {
        shorts_out++;
        submit(0);
        next_short = now_ns() + 1000000;
    }
}
static void on_tick(uv_timer_t *t)
{
    pace();
    if (finished)
        uv_timer_stop(t);
}

int main(int argc, char **argv)
{
    impl = opt(argc, argv, "--impl", "uv");
    N = optl(argc, argv, "--n", 200000);
    W = optl(argc, argv, "--window", 1);
    T = optl(argc, argv, "--threads", 2);
    FAIR = optl(argc, argv, "--fair", 0);
    char s[16];
    snprintf(s, sizeof s, "%ld", T);
    setenv("UV_THREADPOOL_SIZE", s, 1);
    pthread_t t[64];
    if (impl[0] == 'g') {
        gp = g_thread_pool_new(gfn, NULL, (gint)T, TRUE, NULL);
        gq = g_async_queue_new();
    }
    efd = eventfd(0, EFD_NONBLOCK);
    int ep = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN };
    epoll_ctl(ep, EPOLL_CTL_ADD, efd, &e);
    if (impl[0] == 'r')
        for (long i = 0; i < T; i++)
            pthread_create(&t[i], NULL, rworker, NULL);
    uint64_t w0 = now_ns(), c0 = cpu_ns();
    long f0 = page_faults();
    tend = w0 + (uint64_t)FAIR * 1000000;
    if (FAIR) {
        for (int i = 0; i < 16; i++)
            submit(1);
        pace();
    } else
        for (long i = 0; i < W && i < N; i++)
            submit(0);
    if (impl[0] == 'u') {
        if (FAIR) {
            uv_timer_init(uv_default_loop(), &tick);
            uv_timer_start(&tick, on_tick, 1, 1);
        }
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    } else if (impl[0] == 'g') {
        while (!finished) {
            job_t *j = FAIR ? g_async_queue_timeout_pop(gq, 1000) : g_async_queue_pop(gq);
            if (j)
                complete(j);
            pace();
        }
    } else {
        while (!finished) {
            job_t *m = __atomic_exchange_n(&outs, NULL, __ATOMIC_SEQ_CST), *r = NULL;
            if (!m) {
                __atomic_store_n(&asleep, 1, __ATOMIC_SEQ_CST);
                if (__atomic_load_n(&outs, __ATOMIC_SEQ_CST)) {
                    __atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
                    continue;
                }
                uint64_t v;
                if (epoll_wait(ep, &e, 1, FAIR ? 1 : -1) > 0 && read(efd, &v, 8) > 0) {
                }
                __atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
                pace();
                continue;
            }
            while (m) {
                job_t *nx = m->next;
                m->next = r;
                r = m;
                m = nx;
            }
            while (r) {
                job_t *nx = r->next;
                complete(r);
                r = nx;
            }
            pace();
        }
    }
    uint64_t w = now_ns() - w0, c = cpu_ns() - c0;
    if (!FAIR)
        printf("jobs_per_s=%.0f\nwall_ns=%.1f\ncpu_ns=%.1f\nfaults=%.4f\n",
               (double)done * 1e9 / (double)w, (double)w / (double)done, (double)c / (double)done,
               (double)(page_faults() - f0) / (double)done);
    else
        printf("shorts=%lu\nlongs_per_s=%.1f\n", H.n, (double)(done - H.n) * 1e9 / (double)w);
    hist_print(&H);
    return 0;
}
