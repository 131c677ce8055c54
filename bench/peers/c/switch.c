/* switch: cost of one control transfer between coroutines.
 * --impl asm|asm-ret|fcontext|ucontext|st|stcond|pth  --tasks N  --n yields in all */
#include "asmctx.h"
#include "common.h"
#include <pth.h>
#include <st.h>
#include <ucontext.h>

typedef struct {
    void *fctx, *data;
} transfer_t; /* Boost.Context's C ABI */
extern transfer_t jump_fcontext(void *to, void *vp);
extern void *make_fcontext(void *sp, size_t size, void (*fn)(transfer_t));

#define STK 16384
static long N, T;
static uint64_t w0, c0;
static void begin(void)
{
    w0 = now_ns();
    c0 = cpu_ns();
}
static void end(long switches)
{
    uint64_t w = now_ns() - w0, c = cpu_ns() - c0;
    printf("ns=%.2f\nwall_ns=%.2f\n", (double)c / (double)switches, (double)w / (double)switches);
}

/* --- asm: main resumes each task in turn; the task switches back (resume + yield = 2 transfers)
 * --- */
static actx_t amain, *atask;
static long acur;
static void (*asw)(actx_t *, actx_t *) = actx_switch;
static void abody(void)
{
    long me = acur;
    for (;;)
        asw(&atask[me], &amain);
}
static void run_asm(void)
{
    atask = calloc((size_t)T, sizeof *atask);
    for (long i = 0; i < T; i++) {
        char *s = malloc(STK);
        actx_make(&atask[i], s + STK, abody);
    }
    for (acur = 0; acur < T; acur++)
        asw(&amain, &atask[acur]);
    begin();
    for (long k = 0; k < N / 2 / T; k++)
        for (acur = 0; acur < T; acur++)
            asw(&amain, &atask[acur]);
    end(N / 2 / T * T * 2);
}
/* --- Boost fcontext --- */
static void fbody(transfer_t t)
{
    for (;;)
        t = jump_fcontext(t.fctx, 0);
}
static void run_fctx(void)
{
    void **f = calloc((size_t)T, sizeof *f);
    for (long i = 0; i < T; i++) {
        char *s = malloc(STK);
        f[i] = make_fcontext(s + STK, STK, fbody);
        f[i] = jump_fcontext(f[i], 0).fctx;
    }
    begin();
    for (long k = 0; k < N / 2 / T; k++)
        for (long i = 0; i < T; i++)
            f[i] = jump_fcontext(f[i], 0).fctx;
    end(N / 2 / T * T * 2);
}
/* --- ucontext --- */
static ucontext_t umain, *utask;
static long ucur;
static void ubody(void)
{
    long me = ucur;
    for (;;)
        swapcontext(&utask[me], &umain);
}
static void run_uctx(void)
{
    utask = calloc((size_t)T, sizeof *utask);
    for (ucur = 0; ucur < T; ucur++) {
        getcontext(&utask[ucur]);
        utask[ucur].uc_stack.ss_sp = malloc(STK);
        utask[ucur].uc_stack.ss_size = STK;
        makecontext(&utask[ucur], ubody, 0);
        swapcontext(&umain, &utask[ucur]);
    }
    begin();
    for (long k = 0; k < N / 2 / T; k++)
        for (ucur = 0; ucur < T; ucur++)
            swapcontext(&umain, &utask[ucur]);
    end(N / 2 / T * T * 2);
}
/* --- State Threads: st_usleep(0) is its only yield; and a condition-variable ping-pong --- */
static void *sbody(void *a)
{
    (void)a;
    for (long k = 0; k < N / T; k++)
        st_usleep(0);
    return NULL;
}
static void run_st(void)
{
    st_set_eventsys(ST_EVENTSYS_POLL);
    st_init();
    st_thread_t *t = calloc((size_t)T, sizeof *t);
    for (long i = 0; i < T; i++)
        t[i] = st_thread_create(sbody, NULL, 1, STK);
    begin();
    for (long i = 0; i < T; i++)
        st_thread_join(t[i], NULL);
    end(N / T * T);
}
static st_cond_t sc[2];
static void *scbody(void *a)
{
    long me = (long)a;
    for (long k = 0; k < N / 2; k++) {
        st_cond_signal(sc[!me]);
        st_cond_wait(sc[me]);
    }
    st_cond_signal(sc[!me]);
    return NULL;
}
static void run_stcond(void)
{
    st_set_eventsys(ST_EVENTSYS_POLL);
    st_init();
    sc[0] = st_cond_new();
    sc[1] = st_cond_new();
    st_thread_t a = st_thread_create(scbody, (void *)0, 1, STK),
                b = st_thread_create(scbody, (void *)1, 1, STK);
    begin();
    st_thread_join(a, NULL);
    st_thread_join(b, NULL);
    end(N);
}
/* --- GNU Pth --- */
static void *pbody(void *a)
{
    (void)a;
    for (long k = 0; k < N / T; k++)
        pth_yield(NULL);
    return NULL;
}
static void run_pth(void)
{
    pth_init();
    pth_attr_t at = pth_attr_new();
    pth_attr_set(at, PTH_ATTR_STACK_SIZE, STK * 2);
    pth_t *t = calloc((size_t)T, sizeof *t);
    for (long i = 0; i < T; i++)
        t[i] = pth_spawn(at, pbody, NULL);
    begin();
    for (long i = 0; i < T; i++)
        pth_join(t[i], NULL);
    end(N / T * T);
}

int main(int argc, char **argv)
{
    const char *im = opt(argc, argv, "--impl", "asm");
    N = optl(argc, argv, "--n", 2000000);
    T = optl(argc, argv, "--tasks", 2);
    if (!strcmp(im, "asm"))
        run_asm();
    else if (!strcmp(im, "asm-ret")) {
        asw = actx_switch_ret;
        run_asm();
    } else if (!strcmp(im, "fcontext"))
        run_fctx();
    else if (!strcmp(im, "ucontext"))
        run_uctx();
    else if (!strcmp(im, "st"))
        run_st();
    else if (!strcmp(im, "stcond"))
        run_stcond();
    else if (!strcmp(im, "pth"))
        run_pth();
    else
        return 2;
    return 0;
}
