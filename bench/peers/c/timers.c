/* timers: --mode cancel (add n one-shot timers 1..61 s out, then stop them all) | fire (n
 * timers 1..200 ms out, all fire) libuv: handles in one array, so no allocator cost. */
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
    int fire = !strcmp(opt(argc, argv, "--mode", "cancel"), "fire");
    uv_loop_t *l = uv_default_loop();
    uv_timer_t *t = calloc((size_t)n, sizeof *t);
    for (long i = 0; i < n; i++)
        uv_timer_init(l, &t[i]);
    uint32_t x = 12345;
    uint64_t c0 = cpu_ns(), w0 = now_ns();
    for (long i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        uv_timer_start(&t[i], cb, fire ? 1 + (x >> 8) % 200 : 1000 + (x >> 8) % 60000, 0);
    }
    uint64_t c1 = cpu_ns();
    if (fire)
        uv_run(l, UV_RUN_DEFAULT);
    else
        for (long i = 0; i < n; i++)
            uv_timer_stop(&t[i]);
    uint64_t c2 = cpu_ns(), w2 = now_ns();
    if (fire && fired != n) {
        fprintf(stderr, "fired %ld\n", fired);
        return 1;
    }
    printf("ns=%.1f\nadd_ns=%.1f\nend_ns=%.1f\nwall_ms=%.1f\nn=%ld\n",
           (double)(c2 - c0) / (double)n, (double)(c1 - c0) / (double)n,
           (double)(c2 - c1) / (double)n, (double)(w2 - w0) / 1e6, n);
    return 0;
}
