#ifndef WF_INSPECT_RAW_CALL_H
#define WF_INSPECT_RAW_CALL_H

/*
 * System calls without the C library, for code that runs in the middle of anything: no errno, no
 * cancellation, no sanitizer. They return what the kernel does, a code when it is negative.
 */

#if defined(__x86_64__)

static inline __attribute__((always_inline)) long wf_raw_call6(long number, long a, long b, long c,
                                                               long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long r;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}

#elif defined(__aarch64__)

static inline __attribute__((always_inline)) long wf_raw_call6(long number, long a, long b, long c,
                                                               long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#endif

static inline __attribute__((always_inline)) long wf_raw_call2(long number, long a, long b)
{
    return wf_raw_call6(number, a, b, 0, 0, 0, 0);
}

#endif
