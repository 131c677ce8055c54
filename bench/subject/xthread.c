/*
 * xthread: closures that other threads run on one loop; closures that have piled
 * up before the loop runs; and the way there and back between two threads with a
 * loop each.
 */

#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_PRODUCERS = 10000
};

/* ---- one way ------------------------------------------------------------ */

struct counter {
    weft_loop *loop;
    int64_t n_each;
    int64_t n_ran;
    int64_t n;
};

static int count(void *data)
{
    struct counter *counter = data;

    counter->n_ran++;
    return counter->n_ran == counter->n ? weft_loop_stop(counter->loop) : 0;
}

static void *produce(void *data)
{
    struct counter *counter = data;

    for (int64_t i = 0; i < counter->n_each; i++) {
        peer_require(weft_loop_call_soon_threadsafe(counter->loop, count, counter, NULL),
                     "a message");
    }
    return NULL;
}

static int run_one_way(int64_t n_producers, int64_t n)
{
    struct counter counter = { .n_each = n / n_producers };
    pthread_t *threads = peer_allocate((size_t)n_producers, sizeof(pthread_t));

    counter.n = counter.n_each * n_producers;
    peer_require(weft_new_event_loop(NULL, &counter.loop), "a loop");
    int64_t cpu = peer_cpu_time();
    int64_t wall = peer_wall_time();
    for (int64_t i = 0; i < n_producers; i++) {
        peer_require(-pthread_create(&threads[i], NULL, produce, &counter), "a thread");
    }
    peer_require(weft_loop_run_forever(counter.loop), "the run");
    wall = peer_wall_time() - wall;
    for (int64_t i = 0; i < n_producers; i++) {
        pthread_join(threads[i], NULL);
    }
    cpu = peer_cpu_time() - cpu;
    free(threads);
    printf("msgs_per_s=%.0f\nwall_ns=%.1f\ncpu_ns=%.1f\n", (double)counter.n * 1e9 / (double)wall,
           (double)wall / (double)counter.n, (double)cpu / (double)counter.n);
    peer_require(weft_loop_close(counter.loop), "closing the loop");
    weft_loop_unref(counter.loop);
    return 0;
}

/* ---- a pile ------------------------------------------------------------- */

/* <depth> closures wait in the mailbox each time that the loop begins to run. */
static int run_piles(int64_t depth, int64_t n)
{
    struct counter counter = { .n = depth };
    int64_t n_done = 0;

    peer_require(weft_new_event_loop(NULL, &counter.loop), "a loop");
    int64_t faults = peer_page_faults();
    int64_t cpu = peer_cpu_time();
    for (; n_done < n; n_done += depth) {
        counter.n_ran = 0;
        for (int64_t i = 0; i < depth; i++) {
            peer_require(weft_loop_call_soon_threadsafe(counter.loop, count, &counter, NULL),
                         "a message");
        }
        peer_require(weft_loop_run_forever(counter.loop), "the run");
    }
    cpu = peer_cpu_time() - cpu;
    faults = peer_page_faults() - faults;
    printf("cpu_ns=%.1f\nfaults=%.4f\n", (double)cpu / (double)n_done,
           (double)faults / (double)n_done);
    peer_require(weft_loop_close(counter.loop), "closing the loop");
    weft_loop_unref(counter.loop);
    return 0;
}

/* ---- there and back ----------------------------------------------------- */

struct trips {
    weft_loop *here;
    weft_loop *there;
    int64_t n;
    int64_t n_done;
    int64_t sent;
    int is_pinned;
    struct peer_samples samples;
};

static int come_back(void *data);

/* On the other thread. */
static int turn_round(void *data)
{
    struct trips *trips = data;

    return weft_loop_call_soon_threadsafe(trips->here, come_back, trips, NULL);
}

static int set_out(void *data)
{
    struct trips *trips = data;

    trips->sent = peer_wall_time();
    return weft_loop_call_soon_threadsafe(trips->there, turn_round, trips, NULL);
}

static int come_back(void *data)
{
    struct trips *trips = data;

    peer_samples_add(&trips->samples, peer_wall_time() - trips->sent);
    trips->n_done++;
    if (trips->n_done < trips->n) {
        return set_out(trips);
    }
    WEFT_TRY(weft_loop_stop_threadsafe(trips->there));
    return weft_loop_stop(trips->here);
}

static void *run_there(void *data)
{
    struct trips *trips = data;

    if (trips->is_pinned) {
        peer_pin(0);
    }
    peer_require(weft_set_event_loop(trips->there), "the loop of the other thread");
    peer_require(weft_loop_run_forever(trips->there), "the other run");
    peer_require(weft_loop_close(trips->there), "closing the other loop");
    return NULL;
}

static int run_round_trips(int64_t n, int is_pinned)
{
    struct trips trips = { .n = n, .is_pinned = is_pinned };
    pthread_t thread;

    peer_samples_init(&trips.samples, (size_t)n);
    peer_require(weft_new_event_loop(NULL, &trips.here), "a loop");
    peer_require(weft_new_event_loop(NULL, &trips.there), "another loop");
    peer_require(weft_loop_call_soon(trips.here, set_out, &trips, NULL), "the first trip");
    int64_t cpu = peer_cpu_time();
    peer_require(-pthread_create(&thread, NULL, run_there, &trips), "a thread");
    if (is_pinned) {
        peer_pin(1);
    }
    peer_require(weft_loop_run_forever(trips.here), "the run");
    pthread_join(thread, NULL);
    cpu = peer_cpu_time() - cpu;
    printf("cpu_us=%.3f\n", (double)cpu / 1e3 / (double)n);
    peer_samples_print(&trips.samples);
    peer_require(weft_loop_close(trips.here), "closing the loop");
    weft_loop_unref(trips.here);
    weft_loop_unref(trips.there);
    return 0;
}

static int run_xthread(int argc, char **argv)
{
    int64_t n_trips = peer_get_number(argc, argv, "--rtt", 0);
    int64_t n_producers = peer_get_number(argc, argv, "--producers", 1);
    int64_t depth = peer_get_number(argc, argv, "--depth", 0);
    int64_t n = peer_get_number(argc, argv, "--n", 1000000);

    if (depth > 0) {
        return run_piles(depth, n);
    }
    if (n_trips > 0) {
        return run_round_trips(n_trips, (int)peer_get_number(argc, argv, "--pin", 0));
    }
    if (n_producers < 1 || n_producers > MAX_PRODUCERS) {
        fprintf(stderr, "weft-peer: --producers must be from 1 to %d\n", MAX_PRODUCERS);
        return 2;
    }
    return run_one_way(n_producers, n);
}

const struct peer_command peer_xthread = {
    "xthread",
    "--producers THREADS --n MESSAGES | --depth MESSAGES --n IN_ALL | --rtt TRIPS --pin 0|1",
    run_xthread
};
