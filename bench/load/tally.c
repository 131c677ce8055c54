/* Counting. A request belongs to the second in which it was meant to be sent. */

#include "load/tally.h"

#include "weft/error.h"

#include <errno.h>
#include <stdlib.h>

const char *failure_name(enum failure failure)
{
    static const char *const names[N_FAILURES] = { "connects", "timeouts", "resets",
                                                   "statuses", "contents", "others" };
    return names[failure];
}

enum failure failure_of_code(int code)
{
    switch (code) {
    case WEFT_ETIMEDOUT:
    case -ETIMEDOUT:
        return FAILED_TIMEOUT;
    case WEFT_EINCOMPLETEREAD:
    case -ECONNRESET:
    case -EPIPE:
        return FAILED_RESET;
    case CLIENT_BAD_STATUS:
        return FAILED_STATUS;
    case CLIENT_BAD_CONTENT:
        return FAILED_CONTENT;
    default:
        return FAILED_OTHER;
    }
}

int tally_init(struct tally *tally, weft_duration duration)
{
    *tally = (struct tally){ .n_slots = (size_t)((duration + TALLY_SLOT - 1) / TALLY_SLOT) };
    tally->slots = calloc(tally->n_slots + 1, sizeof(*tally->slots));
    struct histogram *all[] = { &tally->response, &tally->service, &tally->connect, &tally->lag };
    int r = tally->slots == NULL ? WEFT_ENOMEM : 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && r == 0; i++) {
        r = histogram_init(all[i], HISTOGRAM_THREE_DIGITS);
    }
    if (r < 0) {
        tally_fini(tally);
    }
    return r;
}

void tally_fini(struct tally *tally)
{
    for (size_t i = 0; tally->slots != NULL && i < tally->n_slots; i++) {
        histogram_fini(&tally->slots[i].response);
    }
    free(tally->slots);
    tally->slots = NULL;
    histogram_fini(&tally->response);
    histogram_fini(&tally->service);
    histogram_fini(&tally->connect);
    histogram_fini(&tally->lag);
}

static struct histogram *slot_histogram(struct tally_slot *slot)
{
    if (slot->response.counts == NULL &&
        histogram_init(&slot->response, HISTOGRAM_TWO_DIGITS) < 0) {
        return NULL; /* the time line has a gap; the totals do not */
    }
    return &slot->response;
}

void tally_add(struct tally *to, const struct tally *from)
{
    histogram_add(&to->response, &from->response);
    histogram_add(&to->service, &from->service);
    histogram_add(&to->connect, &from->connect);
    histogram_add(&to->lag, &from->lag);
    to->n_intended += from->n_intended;
    to->n_sent += from->n_sent;
    to->n_done += from->n_done;
    to->n_late += from->n_late;
    to->n_missed += from->n_missed;
    for (int i = 0; i < N_FAILURES; i++) {
        to->failures[i] += from->failures[i];
    }
    to->n_connects += from->n_connects;
    to->n_reconnects += from->n_reconnects;
    to->bytes_out += from->bytes_out;
    to->bytes_in += from->bytes_in;
    for (size_t i = 0; i < to->n_slots && i < from->n_slots; i++) {
        to->slots[i].n_done += from->slots[i].n_done;
        to->slots[i].n_failed += from->slots[i].n_failed;
        struct histogram *sum =
            from->slots[i].response.n > 0 ? slot_histogram(&to->slots[i]) : NULL;
        if (sum != NULL) {
            histogram_add(sum, &from->slots[i].response);
        }
    }
}

uint64_t tally_n_failed(const struct tally *tally)
{
    uint64_t n = 0;

    for (int i = 0; i < N_FAILURES; i++) {
        n += tally->failures[i];
    }
    return n;
}

void tally_request(struct tally *tally, weft_duration at, weft_duration response,
                   weft_duration service, enum failure failure)
{
    struct tally_slot *slot = at >= 0 && (size_t)(at / TALLY_SLOT) < tally->n_slots
                                  ? &tally->slots[at / TALLY_SLOT]
                                  : NULL;

    if (failure != N_FAILURES) {
        tally->failures[failure]++;
        if (slot != NULL) {
            slot->n_failed++;
        }
        return;
    }
    tally->n_done++;
    histogram_record(&tally->response, response);
    histogram_record(&tally->service, service);
    if (slot != NULL) {
        slot->n_done++;
        struct histogram *histogram = slot_histogram(slot);
        if (histogram != NULL) {
            histogram_record(histogram, response);
        }
    }
}
