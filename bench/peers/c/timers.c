/* timers: --mode cancel (add n one-shot timers 1..61 s out, then stop them all) | fire (n
 * timers 1..spread ms out, all fire); --rounds: so many times. libuv: handles in one array, so no
 * allocator cost. */
#include "common.h"
#include <uv.h>

static long fired;
static void cb(uv_timer_t *t)
{
    (void)t;
    fired++;
}
int main(int argc, char **argv)
{
    long n = optl(argc, argv, "--n", 1000000);
    long rounds = optl(argc, argv, "--rounds", 1);
    uint32_t spread = (uint32_t)optl(argc, argv, "--spread", 200);
    int fire = !strcmp(opt(argc, argv, "--mode", "cancel"), "fire");
    uv_loop_t *l = uv_default_loop();
    uv_timer_t *t = calloc((size_t)n, sizeof *t);
    for (long i = 0; i < n; i++)
        uv_timer_init(l, &t[i]);
    uint64_t add = 0, end = 0, w0 = now_ns();
    long f0 = page_faults();
    for (long r = 0; r < rounds; r++) {
        uint32_t x = 12345;
        fired = 0;
        uint64_t c0 = cpu_ns();
        uv_update_time(l);
        for (long i = 0; i < n; i++) {
            x = x * 1664525u + 1013904223u;
            uv_timer_start(&t[i], cb, fire ? 1 + (x >> 8) % spread : 1000 + (x >> 8) % 60000, 0);
        }
        uint64_t c1 = cpu_ns();
        if (fire)
            uv_run(l, UV_RUN_DEFAULT);
        else
            for (long i = 0; i < n; i++)
                uv_timer_stop(&t[i]);
        add += c1 - c0;
        end += cpu_ns() - c1;
        if (fire && fired != n) {
            fprintf(stderr, "fired %ld\n", fired);
            return 1;
        }
    }
    double all = (double)(n * rounds);
    printf("ns=%.1f\nadd_ns=%.1f\nend_ns=%.1f\nfaults=%.4f\nwall_ms=%.1f\nn=%ld\n",
           (double)(add + end) / all, (double)add / all, (double)end / all,
           (double)(page_faults() - f0) / all, (double)(now_ns() - w0) / 1e6, n);
    return 0;
}
