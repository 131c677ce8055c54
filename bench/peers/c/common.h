/* Shared helpers for the peer benchmarks: clock, latency histogram, RSS, options. */
#ifndef PEER_COMMON_H
#define PEER_COMMON_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* pages that had to be made since the program began */
static inline long page_faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

/* log-linear histogram, 128 buckets an octave (< 1 % error) */
#define HB 7
typedef struct {
    uint64_t n, max;
    double sum;
    uint32_t c[(64 - HB + 1) << HB];
} hist_t;

static inline unsigned hist_idx(uint64_t v)
{
    if (v < (1u << HB))
        return (unsigned)v;
    int s = 63 - __builtin_clzll(v) - HB;
    return ((unsigned)(s + 1) << HB) + (unsigned)(v >> s) - (1u << HB);
}
static inline uint64_t hist_val(unsigned i)
{
    if (i < (1u << HB))
        return i;
    unsigned s = (i >> HB) - 1;
    return (uint64_t)((i & ((1u << HB) - 1)) + (1u << HB)) << s;
}
static inline void hist_add(hist_t *h, uint64_t v)
{
    h->c[hist_idx(v)]++;
    h->n++;
    h->sum += (double)v;
    if (v > h->max)
        h->max = v;
}
static inline uint64_t hist_q(const hist_t *h, double q)
{
    uint64_t want = (uint64_t)((double)h->n * q), seen = 0;
    for (unsigned i = 0; i < sizeof h->c / sizeof h->c[0]; i++) {
        seen += h->c[i];
        if (seen > want)
            return hist_val(i);
    }
    return h->max;
}
static inline void hist_print(const hist_t *h)
{
    printf("mean_us=%.3f\np50_us=%.3f\np99_us=%.3f\np999_us=%.3f\nmax_us=%.3f\n",
           h->n ? h->sum / (double)h->n / 1e3 : 0.0, (double)hist_q(h, .50) / 1e3,
           (double)hist_q(h, .99) / 1e3, (double)hist_q(h, .999) / 1e3, (double)h->max / 1e3);
}

static inline long rss_bytes(void)
{
    long size = 0, res = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &res) != 2)
        die("statm");
    fclose(f);
    return res * sysconf(_SC_PAGESIZE);
}

static inline uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* on-CPU ns of every thread of another process, from schedstat */
static inline uint64_t pid_cpu_ns(int pid)
{
    char p[96];
    uint64_t tot = 0, v;
    snprintf(p, sizeof p, "/proc/%d/task", pid);
    DIR *d = opendir(p);
    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(p, sizeof p, "/proc/%d/task/%.16s/schedstat", pid, e->d_name);
        FILE *f = fopen(p, "r");
        if (!f)
            continue;
        if (fscanf(f, "%lu", &v) == 1)
            tot += v;
        fclose(f);
    }
    closedir(d);
    return tot;
}

static inline const char *opt(int argc, char **argv, const char *name, const char *dflt)
{
    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], name))
            return argv[i + 1];
    return dflt;
}
static inline long optl(int argc, char **argv, const char *name, long dflt)
{
    const char *s = opt(argc, argv, name, NULL);
    return s ? strtol(s, NULL, 10) : dflt;
}
#endif
