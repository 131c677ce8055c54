/*
 * Errors that nobody has read.
 *
 * A future that failed stands in its loop's list until somebody asks for its error.
 * Who never does is told at the future's end, or when the loop is closed and only its
 * futures hold it; who takes long is told meanwhile, by age. Ages are counted in
 * looks, of which three make at least a limit, so that no time needs to be kept.
 *
 * Thread: the loop's; once the loop is over, any, under unread_mu.
 */

#include "future/future.h"

#include "base/creation.h"
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>

#define DEFAULT_LIMIT WEFT_S(60)

enum {
    OLD = 3, /* looks that an unread error has seen: its age is between 1 and 1.5 limits */
    TOLD,
    MAX_TOLD = 8 /* at one look; the others have to wait for the next */
};

static pthread_mutex_t unread_mu = PTHREAD_MUTEX_INITIALIZER; /* the lists of loops that are over */

/* ---- reports -------------------------------------------------------------- */

WF_COLD static void report(weft_future *future, enum weft_report_kind kind, const char *how)
{
    char message[64];
    char description[512];
    char name[64];
    char creation[WF_CREATION_TEXT_SIZE];
    struct wf_text text;
    weft_report told = WEFT_REPORT_INIT;

    wf_text_init(&text, name, sizeof name);
    if (future->ops->add_name != NULL) {
        future->ops->add_name(future, &text);
        told.subject = name;
    }
    snprintf(message, sizeof message, "%s exception %s", future->ops->kind, how);
    weft_future_describe(future, description, sizeof description);
    told.kind = kind;
    told.message = message;
    told.object = description;
    told.error = future->error;
    told.code = future->code;
    told.origin = future->origin;
    told.source = future;
    told.source_traceback = wf_creation_describe(future->creation, "Object", creation);
    wf_loop_report(future->loop, &told);
}

void wf_unread_report(weft_future *future)
{
    report(future, WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED, "was never retrieved");
}

/* ---- the list -------------------------------------------------------------- */

static void unlink_unread(weft_future *future)
{
    future->is_unretrieved = false;
    wf_list_remove(&future->unread);
    future->value = weft_value_none();
}

void wf_future_mark_read(weft_future *future)
{
    if (!future->loop->is_over) {
        unlink_unread(future);
        return;
    }
    pthread_mutex_lock(&unread_mu); /* others may release what is in the same list */
    unlink_unread(future);
    pthread_mutex_unlock(&unread_mu);
}

/* False: its last reference is gone, and who gave that back reports it. */
static bool hold_if_alive(weft_future *future)
{
    uint32_t n = __atomic_load_n(&future->n_refs, __ATOMIC_RELAXED);

    while (n > 0) {
        if (__atomic_compare_exchange_n(&future->n_refs, &n, n + 1, /* weak = */ true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

static weft_future *take_unread(weft_loop *loop)
{
    weft_future *found = NULL;

    pthread_mutex_lock(&unread_mu);
    for (struct wf_list *link = loop->unread.next; link != &loop->unread && found == NULL;
         link = link->next) {
        weft_future *future = WF_CONTAINER_OF(link, weft_future, unread);
        found = hold_if_alive(future) ? future : NULL;
    }
    if (found != NULL) {
        unlink_unread(found);
    }
    pthread_mutex_unlock(&unread_mu);
    return found;
}

/*
 * The loop is closed, and only its futures still hold it: their handles are lost, or
 * whoever has them does not ask the loop any more. The caller has a reference to it.
 */
static void report_all_unread(weft_loop *loop)
{
    weft_future *future;

    while ((future = take_unread(loop)) != NULL) {
        wf_unread_report(future);
        wf_future_release(future);
    }
}

/* ---- by age ----------------------------------------------------------------- */

static weft_duration limit_of(const weft_loop *loop)
{
    if (loop->debug == WEFT_DEBUG_OFF) {
        return WEFT_FOREVER;
    }
    if (loop->unread_limit != 0) {
        return loop->unread_limit;
    }
    return loop->poller.is_virtual ? WEFT_FOREVER : DEFAULT_LIMIT; /* its time is a test's */
}

static void look_later(weft_loop *loop)
{
    weft_duration limit = limit_of(loop);

    if (limit != WEFT_FOREVER && !wf_timer_is_started(&loop->unread_timer)) {
        /* Without memory only the report by age is lost. */
        (void)wf_timer_start(loop, &loop->unread_timer, wf_loop_deadline(loop, limit / 2));
    }
}

static void tell_age(weft_future *future)
{
    char how[64];

    snprintf(how, sizeof how, "has not been retrieved for %.3g seconds",
             (double)limit_of(future->loop) / 1e9);
    report(future, WEFT_REPORT_EXCEPTION_UNREAD, how);
}

/* One look older. True: it still has to be looked at. */
static bool grow_old(weft_future *future)
{
    if (future->unread_age < OLD) {
        future->unread_age++;
    }
    return future->unread_age != TOLD;
}

static weft_future *find_old(weft_loop *loop)
{
    for (struct wf_list *link = loop->unread.next; link != &loop->unread; link = link->next) {
        weft_future *future = WF_CONTAINER_OF(link, weft_future, unread);
        if (future->unread_age == OLD) {
            return future;
        }
    }
    return NULL;
}

/* The timer's work. A handler may read or release any of them, so each is looked for anew. */
static void look(struct wf_work *work)
{
    struct wf_timer *timer = WF_CONTAINER_OF(work, struct wf_timer, work);
    weft_loop *loop = WF_CONTAINER_OF(timer, weft_loop, unread_timer);
    weft_future *future;
    bool is_needed = false;

    for (struct wf_list *link = loop->unread.next; link != &loop->unread; link = link->next) {
        is_needed |= grow_old(WF_CONTAINER_OF(link, weft_future, unread));
    }
    for (int n = 0; n < MAX_TOLD && (future = find_old(loop)) != NULL; n++) {
        future->unread_age = TOLD;
        future->n_refs++;
        tell_age(future);
        wf_future_release(future);
    }
    if (is_needed) {
        look_later(loop);
    }
}

/* ---- for the future ----------------------------------------------------------- */

static const struct wf_work_kind look_kind = { look, NULL, NULL, "watch of unread errors", 0 };

void wf_unread_prepare(weft_loop *loop)
{
    if (loop->report_unread == NULL) {
        loop->report_unread = report_all_unread;
        wf_timer_init(&loop->unread_timer, look);
        wf_loop_know_work(loop, &look_kind);
    }
}

void wf_unread_add(weft_future *future)
{
    weft_loop *loop = future->loop;

    future->is_unretrieved = true;
    future->unread_age = 0;
    wf_list_init(&future->unread);
    if (!loop->is_over) { /* else nobody looks at the list any more */
        wf_list_append(&loop->unread, &future->unread);
        look_later(loop);
    }
}

void wf_loop_set_unread_limit(weft_loop *loop, weft_duration limit)
{
    loop->unread_limit = limit;
    if (loop->report_unread != NULL) {
        wf_timer_stop(loop, &loop->unread_timer);
        if (!wf_list_is_empty(&loop->unread)) {
            look_later(loop);
        }
    }
}
