/*
 * The references on libuv: timers, its pool of threads, and messages from other
 * threads, each written as libuv's documentation has it.
 */

#include "reference.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* ---- timers ------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    int64_t *n_fired = timer->data;

    (*n_fired)++;
}

static int run_timers(int argc, char **argv)
{
    int64_t n = peer_get_number(argc, argv, "--n", 200000);
    int is_firing = strcmp(peer_get_text(argc, argv, "--mode", "cancel"), "fire") == 0;
    uv_timer_t *timers = peer_allocate((size_t)n, sizeof(uv_timer_t));
    uint32_t state = 12345;
    int64_t n_fired = 0;

    for (int64_t i = 0; i < n; i++) {
        uv_timer_init(uv_default_loop(), &timers[i]);
        timers[i].data = &n_fired;
    }
    int64_t start = peer_cpu_time();
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        uint64_t delay = is_firing ? 1 + (state >> 8) % 200 : 1000 + (state >> 8) % 60000;
        uv_timer_start(&timers[i], on_timer, delay, 0);
    }
    int64_t added = peer_cpu_time();
    if (is_firing) {
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    } else {
        for (int64_t i = 0; i < n; i++) {
            uv_timer_stop(&timers[i]);
        }
    }
    int64_t end = peer_cpu_time();
    free(timers);
    if (is_firing && n_fired != n) {
        fprintf(stderr, "weft-reference: %lld timers fired\n", (long long)n_fired);
        return 1;
    }
    printf("ns=%.1f\nadd_ns=%.1f\nend_ns=%.1f\n", (double)(end - start) / (double)n,
           (double)(added - start) / (double)n, (double)(end - added) / (double)n);
    return 0;
}

const struct peer_command reference_timers = { "timers", "--mode cancel|fire --n TIMERS",
                                               run_timers };

/* ---- executor ----------------------------------------------------------- */

struct job {
    uv_work_t work;
    int64_t start;
    struct jobs *jobs; /* borrowed */
};

struct jobs {
    int64_t n_left;
    int64_t n_done;
    struct peer_samples samples;
};

static void do_nothing(uv_work_t *work)
{
    (void)work;
}

static void on_done(uv_work_t *work, int status);

static void submit(struct job *job)
{
    job->jobs->n_left--;
    job->start = peer_wall_time();
    uv_queue_work(uv_default_loop(), &job->work, do_nothing, on_done);
}

/* On the loop, when the job has run. */
static void on_done(uv_work_t *work, int status)
{
    struct job *job = work->data;

    (void)status;
    peer_samples_add(&job->jobs->samples, peer_wall_time() - job->start);
    job->jobs->n_done++;
    if (job->jobs->n_left > 0) {
        submit(job);
    }
}

static int run_executor(int argc, char **argv)
{
    int64_t n = peer_get_number(argc, argv, "--n", 200000);
    int64_t window = peer_get_number(argc, argv, "--window", 1);
    struct job *jobs = peer_allocate((size_t)window, sizeof(struct job));
    struct jobs all = { .n_left = n };

    setenv("UV_THREADPOOL_SIZE", peer_get_text(argc, argv, "--threads", "2"), 1);
    peer_samples_init(&all.samples, (size_t)n);
    int64_t wall = peer_wall_time();
    int64_t cpu = peer_cpu_time();
    for (int64_t i = 0; i < window && all.n_left > 0; i++) {
        jobs[i].jobs = &all;
        jobs[i].work.data = &jobs[i];
        submit(&jobs[i]);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    wall = peer_wall_time() - wall;
    cpu = peer_cpu_time() - cpu;
    printf("jobs_per_s=%.0f\ncpu_ns=%.1f\n", (double)all.n_done * 1e9 / (double)wall,
           (double)cpu / (double)all.n_done);
    peer_samples_print(&all.samples);
    free(jobs);
    return 0;
}

const struct peer_command reference_executor = { "executor",
                                                 "--threads THREADS --window AT_ONCE --n JOBS",
                                                 run_executor };

/* ---- xthread ------------------------------------------------------------ */

struct message {
    struct message *next;
};

/* A list under a mutex, and an uv_async to say that something is in it. */
struct box {
    uv_loop_t loop;
    uv_async_t async;
    pthread_mutex_t mutex;
    struct message *first; /* guarded by mutex */
    struct message **last; /* guarded by mutex */
    int64_t n_expected;
    int64_t n_came;
    struct box *answer_to; /* NULL: the message ends here */
    int64_t sent;
    struct peer_samples *samples; /* NULL: not the side that measures */
};

static void post(struct box *box, struct message *message)
{
    message->next = NULL;
    pthread_mutex_lock(&box->mutex);
    *box->last = message;
    box->last = &message->next;
    pthread_mutex_unlock(&box->mutex);
    uv_async_send(&box->async);
}

static void set_out(struct box *box, struct message *message)
{
    box->sent = peer_wall_time();
    post(box->answer_to, message);
}

static void handle(struct box *box, struct message *message)
{
    box->n_came++;
    if (box->samples != NULL) {
        peer_samples_add(box->samples, peer_wall_time() - box->sent);
        if (box->n_came < box->n_expected) {
            set_out(box, message);
        }
    } else if (box->answer_to != NULL) {
        post(box->answer_to, message);
    } else {
        free(message);
    }
}

/* On the loop's thread, once for any number of sends. */
static void on_async(uv_async_t *async)
{
    struct box *box = async->data;

    pthread_mutex_lock(&box->mutex);
    struct message *message = box->first;
    box->first = NULL;
    box->last = &box->first;
    pthread_mutex_unlock(&box->mutex);
    while (message != NULL) {
        struct message *next = message->next;
        handle(box, message);
        message = next;
    }
    if (box->n_came >= box->n_expected) {
        uv_close((uv_handle_t *)async, NULL);
    }
}

static void init_box(struct box *box, int64_t n_expected)
{
    memset(box, 0, sizeof *box);
    pthread_mutex_init(&box->mutex, NULL);
    box->last = &box->first;
    box->n_expected = n_expected;
    uv_loop_init(&box->loop);
    uv_async_init(&box->loop, &box->async, on_async);
    box->async.data = box;
}

static void *run_box(void *data)
{
    struct box *box = data;

    uv_run(&box->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void *produce(void *data)
{
    struct box *box = data;

    for (int64_t i = 0; i < box->n_expected; i++) {
        post(box, peer_allocate(1, sizeof(struct message)));
    }
    return NULL;
}

static void run_one_way(int64_t n)
{
    struct box box;
    pthread_t thread;

    init_box(&box, n);
    int64_t wall = peer_wall_time();
    peer_require(-pthread_create(&thread, NULL, produce, &box), "a thread");
    run_box(&box);
    wall = peer_wall_time() - wall;
    pthread_join(thread, NULL);
    printf("msgs_per_s=%.0f\n", (double)n * 1e9 / (double)wall);
}

static void run_round_trips(int64_t n)
{
    struct peer_samples samples;
    struct message message;
    struct box here;
    struct box there;
    pthread_t thread;

    peer_samples_init(&samples, (size_t)n);
    init_box(&here, n);
    init_box(&there, n);
    here.answer_to = &there;
    here.samples = &samples;
    there.answer_to = &here;
    peer_require(-pthread_create(&thread, NULL, run_box, &there), "a thread");
    set_out(&here, &message);
    run_box(&here);
    pthread_join(thread, NULL);
    peer_samples_print(&samples);
}

static int run_xthread(int argc, char **argv)
{
    int64_t n_trips = peer_get_number(argc, argv, "--rtt", 0);

    if (n_trips > 0) {
        run_round_trips(n_trips);
    } else {
        run_one_way(peer_get_number(argc, argv, "--n", 1000000));
    }
    return 0;
}

const struct peer_command reference_xthread = { "xthread", "--n MESSAGES | --rtt TRIPS",
                                                run_xthread };
