/* spawn: create + run + join of tiny tasks, and memory of parked tasks.
 * --impl asm|st|pth|pthread|uvtimer  --n tasks --batch B (spawn B, then join B)  --park N (park N
 * tasks, print RSS)
 * --prefault 1 (asm: populate a fresh stack's top page by madvise) */
#include "asmctx.h"
#include "common.h"
#include <pth.h>
#include <pthread.h>
#include <st.h>
#include <sys/mman.h>
#include <uv.h>

static long N, B, PARK, STK, PREFAULT;
static uint64_t w0, c0;
static volatile long ran;
static void begin(void)
{
    w0 = now_ns();
    c0 = cpu_ns();
}
static void end(long n)
{
    uint64_t w = now_ns() - w0, c = cpu_ns() - c0;
    if (ran != n) {
        fprintf(stderr, "ran %ld of %ld\n", ran, n);
        exit(1);
    }
    printf("ns=%.1f\nwall_ns=%.1f\nper_s=%.0f\n", (double)c / (double)n, (double)w / (double)n,
           (double)n * 1e9 / (double)w);
}
static void parked(long base, long n)
{
    printf("bytes_per_task=%.1f\ntasks=%ld\n", (double)(rss_bytes() - base) / (double)n, n);
}

/* --- asm: pooled stacks, control block at the stack's top: what a stackful spawn can cost at least
 * --- */
typedef struct atask {
    actx_t c;
    struct atask *next;
    void (*fn)(void *);
    void *arg;
    int done;
} atask_t;
static atask_t *pool, *curt;
static actx_t amain;
static void ahead(void)
{
    for (;;) { /* the stack is reused without being remade */
        curt->fn(curt->arg);
        curt->done = 1;
        actx_switch(&curt->c, &amain);
    }
}
static char *slab, *slab_end;
static atask_t *anew(void)
{
    atask_t *t = pool;
    if (t) {
        pool = t->next;
        return t;
    }
    if (slab == slab_end) {
        size_t sz = (size_t)STK * 1024;
        slab = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
        if (slab == MAP_FAILED)
            die("mmap");
        madvise(slab, sz, MADV_NOHUGEPAGE);
        slab_end = slab + sz;
    }
    char *s = slab;
    slab += STK;
    if (PREFAULT)
        madvise(s + STK - 4096, 4096,
                23); /* MADV_POPULATE_WRITE: a system call in place of a page fault */
    t = (atask_t *)(s + STK - sizeof(atask_t) - 64);
    actx_make(&t->c, t, ahead);
    return t;
}
static void tiny(void *a)
{
    (void)a;
    ran++;
}
static void aparkfn(void *a)
{
    (void)a;
    actx_switch(&curt->c, &amain);
}
static void run_asm(void)
{
    if (PARK) {
        atask_t **v = calloc((size_t)PARK, sizeof *v);
        memset(v, 1, (size_t)PARK * sizeof *v);
        long base = rss_bytes();
        uint64_t s = cpu_ns();
        for (long i = 0; i < PARK; i++) {
            v[i] = curt = anew();
            curt->fn = aparkfn;
            actx_switch(&amain, &curt->c);
        }
        printf("park_ns=%.1f\n", (double)(cpu_ns() - s) / (double)PARK);
        parked(base, PARK);
        return;
    }
    atask_t **v = calloc((size_t)B, sizeof *v);
    begin();
    for (long i = 0; i < N; i += B) {
        for (long k = 0; k < B; k++) {
            v[k] = anew();
            v[k]->fn = tiny;
            v[k]->done = 0;
        }
        for (long k = 0; k < B; k++) {
            curt = v[k];
            actx_switch(&amain, &curt->c);
        }
        for (long k = 0; k < B; k++)
            if (v[k]->done) {
                v[k]->next = pool;
                pool = v[k];
            }
    }
    end(N);
}
/* --- State Threads --- */
static void *ptiny(void *a)
{
    (void)a;
    ran++;
    return NULL;
}
static void *stpark(void *a)
{
    (void)a;
    st_sleep(3600);
    return NULL;
}
static void run_st(void)
{
    st_set_eventsys(ST_EVENTSYS_POLL);
    st_init();
    if (PARK) {
        long base = rss_bytes(), i;
        for (i = 0; i < PARK; i++)
            if (!st_thread_create(stpark, NULL, 0, (int)STK)) {
                fprintf(stderr, "st: stopped at %ld: %s\n", i, strerror(errno));
                break;
            }
        st_usleep(1000);
        parked(base, i);
        _exit(0 * fflush(stdout));
    }
    st_thread_t *v = calloc((size_t)B, sizeof *v);
    begin();
    for (long i = 0; i < N; i += B) {
        for (long k = 0; k < B; k++)
            v[k] = st_thread_create(ptiny, NULL, 1, (int)STK);
        for (long k = 0; k < B; k++)
            st_thread_join(v[k], NULL);
    }
    end(N);
}
/* --- GNU Pth --- */
static void *pthpark(void *a)
{
    (void)a;
    pth_sleep(3600);
    return NULL;
}
static void run_pth(void)
{
    pth_init();
    pth_attr_t at = pth_attr_new();
    pth_attr_set(at, PTH_ATTR_STACK_SIZE, (unsigned)STK);
    pth_attr_set(at, PTH_ATTR_JOINABLE, 1);
    if (PARK) {
        long base = rss_bytes(), i;
        for (i = 0; i < PARK; i++)
            if (!pth_spawn(at, pthpark, NULL)) {
                fprintf(stderr, "pth: stopped at %ld\n", i);
                break;
            }
        pth_yield(NULL);
        parked(base, i);
        fflush(stdout);
        _exit(0);
    }
    pth_t *v = calloc((size_t)B, sizeof *v);
    begin();
    for (long i = 0; i < N; i += B) {
        for (long k = 0; k < B; k++)
            v[k] = pth_spawn(at, ptiny, NULL);
        for (long k = 0; k < B; k++)
            pth_join(v[k], NULL);
    }
    end(N);
}
/* --- kernel threads, for scale --- */
static void *kpark(void *a)
{
    (void)a;
    sleep(3600);
    return NULL;
}
static void *ktiny(void *a)
{
    (void)a;
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
    return NULL;
}
static void run_pthread(void)
{
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, STK < 16384 ? 16384 : (size_t)STK);
    if (PARK) {
        long base = rss_bytes(), i;
        pthread_t t;
        for (i = 0; i < PARK; i++)
            if (pthread_create(&t, &at, kpark, NULL))
                break;
        usleep(200000);
        parked(base, i);
        fflush(stdout);
        _exit(0);
    }
    pthread_t *v = calloc((size_t)B, sizeof *v);
    begin();
    for (long i = 0; i < N; i += B) {
        for (long k = 0; k < B; k++)
            if (pthread_create(&v[k], &at, ktiny, NULL))
                die("pthread_create");
        for (long k = 0; k < B; k++)
            pthread_join(v[k], NULL);
    }
    end(N);
}
/* --- libuv has no tasks: a heap-allocated one-hour timer is its parked unit, uv_async-free
 * callback its tiny task --- */
static void onuv(uv_timer_t *t)
{
    ran++;
    uv_close((uv_handle_t *)t, (uv_close_cb)free);
}
static void run_uv(void)
{
    uv_loop_t *l = uv_default_loop();
    if (PARK) {
        long base = rss_bytes();
        for (long i = 0; i < PARK; i++) {
            uv_timer_t *t = malloc(sizeof *t);
            uv_timer_init(l, t);
            uv_timer_start(t, onuv, 3600000, 0);
        }
        parked(base, PARK);
        return;
    }
    begin();
    for (long i = 0; i < N; i += B) {
        for (long k = 0; k < B; k++) {
            uv_timer_t *t = malloc(sizeof *t);
            uv_timer_init(l, t);
            uv_timer_start(t, onuv, 0, 0);
        }
        uv_run(l, UV_RUN_DEFAULT);
    }
    end(N);
}
int main(int argc, char **argv)
{
    const char *im = opt(argc, argv, "--impl", "asm");
    N = optl(argc, argv, "--n", 1000000);
    B = optl(argc, argv, "--batch", 1);
    PARK = optl(argc, argv, "--park", 0);
    PREFAULT = optl(argc, argv, "--prefault", 0);
    STK = optl(argc, argv, "--stack", 16384);
    if (!strcmp(im, "asm"))
        run_asm();
    else if (!strcmp(im, "st"))
        run_st();
    else if (!strcmp(im, "pth"))
        run_pth();
    else if (!strcmp(im, "pthread"))
        run_pthread();
    else if (!strcmp(im, "uvtimer"))
        run_uv();
    else
        return 2;
    return 0;
}
