/*
 * Each connection has a task, which is what makes weft-load a test of weft,
 * too: 50,000 of them are 50,000 parked tasks. They are made 100 at a time,
 * lest the listener's queue overflows.
 */

#include "load/background.h"
#include "load/client.h"

#include "weft/error.h"
#include "weft/stream.h"
#include "weft/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 100,
    PER_ADDRESS = 20000, /* a source address has 28,000 ports, by default */
    MAX_ADDRESSES = 250
};

struct guest {
    struct background *background;
    const struct options *options;
    bool is_slow;
    int address;    /* which source it comes from, where there is a choice */
    int *n_pending; /* of its batch, that have neither connected nor failed */
    weft_task *task;
};

static int ask_for_much(struct guest *guest, weft_stream *stream)
{
    const struct target *target = &guest->options->target;
    char request[sizeof(target->path) + 64];

    if (target->kind == TARGET_HTTP) {
        int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         target->path);
        return weft_stream_write(stream, request, (size_t)n);
    }
    memset(request, 's', sizeof(request));
    request[sizeof(request) - 1] = '\n';
    return weft_stream_write(stream, request, sizeof(request));
}

/* Until the server ends it, or we are cancelled. */
static int stay(struct guest *guest, weft_stream *stream)
{
    char byte;
    size_t n = 1;
    int r = 0;

    weft_stream_set_read_limit(stream, WEFT_FOREVER);
    while (r == 0 && n > 0) {
        if (guest->is_slow) {
            r = ask_for_much(guest, stream);
            r = r == 0 ? weft_sleep(WEFT_MS(100)) : r;
        }
        r = r == 0 ? weft_stream_read(stream, &byte, 1, &n) : r;
    }
    return r;
}

/* On the loopback of IPv4 the sources are many: 127.0.0.1, 127.0.0.2, ... */
static int open_stream(const struct guest *guest, weft_stream **out_stream)
{
    const struct target *target = &guest->options->target;
    char from[32];

    if (guest->address == 0 || strncmp(target->host, "127.", 4) != 0) {
        return client_open_stream(guest->options, out_stream);
    }
    snprintf(from, sizeof(from), "127.0.0.%d", 1 + guest->address % MAX_ADDRESSES);
    return client_open_stream_from(guest->options, from, out_stream);
}

static int visit(void *arg)
{
    struct guest *guest = arg;
    struct background *background = guest->background;
    weft_stream *stream;
    int r = open_stream(guest, &stream);

    (*guest->n_pending)--;
    if (r < 0) {
        background->n_failed++;
        background->first_error = background->first_error == 0 ? r : background->first_error;
        return 0;
    }
    background->n_open++;
    r = stay(guest, stream);
    background->n_open--;
    if (r != WEFT_ECANCELED) {
        background->n_lost++;
        background->n_lost_idle += !guest->is_slow;
    }
    weft_stream_abort(stream);
    weft_stream_destroy(stream);
    return 0;
}

static int invite(struct guest *guests, int n)
{
    for (int first = 0; first < n; first += BATCH) {
        int n_batch = n - first < BATCH ? n - first : BATCH;
        int n_pending = n_batch;
        for (int i = first; i < first + n_batch; i++) {
            guests[i].n_pending = &n_pending;
            WEFT_TRY(weft_create_task(weft_coro_create(visit, &guests[i]), &guests[i].task));
        }
        while (n_pending > 0) {
            WEFT_TRY(weft_sleep(WEFT_MS(1)));
        }
    }
    return 0;
}

static void send_home(struct guest *guests, int n)
{
    for (int i = 0; i < n; i++) {
        if (guests[i].task != NULL) {
            weft_task_cancel(guests[i].task, "the run is over");
        }
    }
    for (int i = 0; i < n; i++) {
        if (guests[i].task != NULL) {
            weft_await(guests[i].task, NULL);
            weft_future_unref(guests[i].task);
        }
    }
}

int background_hold(struct background *background, const struct options *options, int *is_ready)
{
    int n = options->n_idle + options->n_slow_readers;
    struct guest *guests = calloc((size_t)n + 1, sizeof(*guests));

    *background = (struct background){ 0 };
    if (guests == NULL) {
        return WEFT_ENOMEM;
    }
    for (int i = 0; i < n; i++) {
        guests[i] = (struct guest){
            .background = background,
            .options = options,
            .is_slow = i >= options->n_idle,
            .address = i / PER_ADDRESS,
        };
    }
    int r = invite(guests, n);
    *is_ready = 1;
    while (r == 0) {
        r = weft_sleep(WEFT_S(3600));
    }
    struct background before = *background; /* what the end of the run does is no loss */
    send_home(guests, n);
    *background = before;
    free(guests);
    return r == WEFT_ECANCELED ? 0 : r;
}
