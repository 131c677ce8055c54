/*
 * The loop alone, without tasks or streams: what a turn, a timer, a post and a
 * wake-up cost. Prints a line a measurement; `bench-loop turn` runs only those
 * whose name begins so.
 */

#include "weft/weft.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t cpu_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void require(int code, const char *what)
{
    if (code < 0) {
        fprintf(stderr, "%s: %s\n", what, weft_strerror(code));
        exit(1);
    }
}

static weft_loop *make_loop(void)
{
    weft_loop *loop = NULL;

    require(weft_new_event_loop(NULL, &loop), "a loop");
    return loop;
}

static void close_loop(weft_loop *loop)
{
    require(weft_loop_close(loop), "closing");
    weft_loop_unref(loop);
}

static void print(const char *name, int64_t n, int64_t cpu, int64_t wall)
{
    printf("%-28s %10.1f ns CPU  %10.1f ns wall  each of %lld\n", name, (double)cpu / (double)n,
           (double)wall / (double)n, (long long)n);
}

/* ---- turns -------------------------------------------------------------- */

struct counter {
    weft_loop *loop;
    int64_t n_left;
};

static int again(void *data)
{
    struct counter *counter = data;

    if (--counter->n_left <= 0) {
        return weft_loop_stop(counter->loop);
    }
    return weft_loop_call_soon(counter->loop, again, counter, NULL);
}

static int nothing(void *data)
{
    (void)data;
    return 0;
}

/* <n> callbacks in <n_chains> chains; <fd>, if any, is watched and never ready. */
static void run_counted(const char *name, int64_t n, int n_chains, int fd)
{
    weft_loop *loop = make_loop();
    struct counter counter = { loop, n };
    int64_t cpu = cpu_time();
    int64_t wall = weft_clock_now();

    if (fd >= 0) {
        require(weft_loop_add_reader(loop, fd, nothing, NULL), "add_reader");
    }
    for (int i = 0; i < n_chains; i++) {
        require(weft_loop_call_soon(loop, again, &counter, NULL), "call_soon");
    }
    require(weft_loop_run_forever(loop), "run");
    print(name, n, cpu_time() - cpu, weft_clock_now() - wall);
    close_loop(loop);
}

static void bench_turn(void)
{
    int fds[2];

    run_counted("turn of one callback", 2000000, 1, -1);
    run_counted("turn of 100, a callback", 5000000, 100, -1);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), "socketpair");
    run_counted("turn of one, a socket idle", 500000, 1, fds[0]);
    close(fds[0]);
    close(fds[1]);
}

/* ---- timers ------------------------------------------------------------- */

enum {
    N_TIMERS = 200000
};

static void bench_timer(void)
{
    weft_loop *loop = make_loop();
    weft_handle **handles = calloc(N_TIMERS, sizeof *handles);
    int64_t cpu = cpu_time();
    int64_t wall = weft_clock_now();
    unsigned seed = 1;

    for (int i = 0; i < N_TIMERS; i++) {
        seed = seed * 1103515245 + 12345;
        require(
            weft_loop_call_later(loop, WEFT_S(60) + seed % 1000000000, nothing, NULL, &handles[i]),
            "call_later");
    }
    for (int i = 0; i < N_TIMERS; i++) {
        require(weft_handle_cancel(handles[i]), "cancel");
        weft_handle_unref(handles[i]);
    }
    print("timer add and cancel", N_TIMERS, cpu_time() - cpu, weft_clock_now() - wall);

    struct counter last = { loop, 1 };
    cpu = cpu_time();
    wall = weft_clock_now();
    for (int i = 0; i < N_TIMERS; i++) {
        seed = seed * 1103515245 + 12345;
        require(weft_loop_call_later(loop, seed % 1000000, nothing, NULL, NULL), "call_later");
    }
    require(weft_loop_call_later(loop, WEFT_MS(1), again, &last, NULL), "call_later");
    require(weft_loop_run_forever(loop), "run");
    print("timer add and fire", N_TIMERS, cpu_time() - cpu, weft_clock_now() - wall);
    free(handles);
    close_loop(loop);
}

/* ---- sleeping ----------------------------------------------------------- */

struct sleeper {
    weft_loop *loop;
    weft_duration duration;
    weft_time due;
    int64_t overshoot;
    int n_left;
};

static int wake_up(void *data)
{
    struct sleeper *sleeper = data;
    weft_time now = weft_clock_now();

    sleeper->overshoot += now - sleeper->due;
    if (--sleeper->n_left == 0) {
        return weft_loop_stop(sleeper->loop);
    }
    sleeper->due = now + sleeper->duration;
    return weft_loop_call_at(sleeper->loop, sleeper->due, wake_up, sleeper, NULL);
}

static void bench_sleep(void)
{
    enum {
        N_SLEEPS = 1000
    };
    weft_loop *loop = make_loop();
    struct sleeper sleeper = { loop, WEFT_US(200), weft_clock_now(), 0, N_SLEEPS };

    require(weft_loop_call_soon(loop, wake_up, &sleeper, NULL), "call_soon");
    require(weft_loop_run_forever(loop), "run");
    printf("%-28s %10.1f us too late on average\n", "sleep of 200 us",
           (double)sleeper.overshoot / N_SLEEPS / 1000);
    close_loop(loop);
}

/* ---- posts -------------------------------------------------------------- */

static void *post_all(void *data)
{
    struct counter *counter = data;

    for (int64_t i = 1; i < counter->n_left; i++) {
        require(weft_loop_call_soon_threadsafe(counter->loop, nothing, NULL, NULL), "post");
    }
    require(weft_loop_stop_threadsafe(counter->loop), "stop");
    return NULL;
}

static void bench_post(void)
{
    weft_loop *loop = make_loop();
    struct counter counter = { loop, 1000000 };
    pthread_t thread;
    int64_t cpu = cpu_time();
    int64_t wall = weft_clock_now();

    pthread_create(&thread, NULL, post_all, &counter);
    require(weft_loop_run_forever(loop), "run");
    pthread_join(thread, NULL);
    print("post from one thread", counter.n_left, cpu_time() - cpu, weft_clock_now() - wall);
    close_loop(loop);
}

struct player {
    weft_loop *loop;
    struct player *other;
    int64_t n_left;
};

static int play(void *data)
{
    struct player *player = data;

    if (player->n_left-- == 0) {
        require(weft_loop_stop_threadsafe(player->other->loop), "stop");
        return weft_loop_stop(player->loop);
    }
    return weft_loop_call_soon_threadsafe(player->other->loop, play, player->other, NULL);
}

static void *run_other(void *data)
{
    struct player *player = data;

    require(weft_set_event_loop(player->loop), "set_event_loop");
    require(weft_loop_run_forever(player->loop), "run");
    require(weft_loop_close(player->loop), "closing");
    return NULL;
}

static void bench_wakeup(void)
{
    enum {
        N_ROUNDS = 50000
    };
    struct player a = { make_loop(), NULL, N_ROUNDS };
    struct player b = { make_loop(), &a, N_ROUNDS };
    pthread_t thread;

    a.other = &b;
    pthread_create(&thread, NULL, run_other, &b);
    require(weft_loop_call_soon(a.loop, play, &a, NULL), "call_soon");
    int64_t cpu = cpu_time();
    int64_t wall = weft_clock_now();
    require(weft_loop_run_forever(a.loop), "run");
    pthread_join(thread, NULL);
    print("wake-up, there and back", N_ROUNDS, cpu_time() - cpu, weft_clock_now() - wall);
    close_loop(a.loop);
    weft_loop_unref(b.loop);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } benches[] = { { "turn", bench_turn },
                    { "timer", bench_timer },
                    { "sleep", bench_sleep },
                    { "post", bench_post },
                    { "wakeup", bench_wakeup } };

    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        if (argc < 2 || strncmp(benches[i].name, argv[1], strlen(argv[1])) == 0) {
            benches[i].run();
        }
    }
    return 0;
}
