/*
 * Judging snapshots for tasks that do not get on: see task_watch.h.
 *
 * Thread: none; they are values. Reporting: any.
 */

#include "inspect/task_watch.h"

#include "base/log.h"
#include "base/text.h"
#include "inspect/describe.h"

#include <stdio.h>
#include <string.h>

struct judge {
    struct wf_task_watch *watch;
    const struct wf_snapshot *snapshot;
    wf_task_limits_fn *limits;
    struct wf_task_news *news;
    size_t n_news;
};

/* ---- suspects ------------------------------------------------------------ */

static struct wf_task_suspect *remember(struct judge *judge, enum weft_report_kind kind,
                                        uint64_t key)
{
    struct wf_task_suspect *free_place = NULL;

    for (size_t i = 0; i < WF_TASK_SUSPECTS; i++) {
        struct wf_task_suspect *suspect = &judge->watch->suspects[i];
        if (suspect->since == 0) {
            free_place = free_place != NULL ? free_place : suspect;
        } else if (suspect->kind == kind && suspect->key == key) {
            suspect->is_there = true;
            return suspect;
        }
    }
    if (free_place != NULL) {
        *free_place = (struct wf_task_suspect){
            .kind = kind, .key = key, .since = judge->snapshot->taken_at, .is_there = true
        };
    }
    return free_place;
}

/* The place for its news, when its time has come; else NULL. <since> 0: since it was first seen. */
static struct wf_task_news *judge_one(struct judge *judge, enum weft_report_kind kind, uint64_t key,
                                      weft_time since, weft_duration limit, weft_duration *out_age)
{
    struct wf_task_suspect *suspect = remember(judge, kind, key);

    if (suspect == NULL || suspect->is_told || limit == WEFT_FOREVER) {
        return NULL;
    }
    weft_time begin = since != 0 && since < suspect->since ? since : suspect->since;
    *out_age = judge->snapshot->taken_at - begin;
    if (*out_age < limit || judge->n_news == WF_TASK_NEWS) {
        judge->watch->is_pending = true;
        return NULL;
    }
    suspect->is_told = true;
    struct wf_task_news *news = &judge->news[judge->n_news++];
    *news = (struct wf_task_news){ .kind = kind };
    return news;
}

static void forget_gone(struct wf_task_watch *watch)
{
    for (size_t i = 0; i < WF_TASK_SUSPECTS; i++) {
        struct wf_task_suspect *suspect = &watch->suspects[i];
        if (!suspect->is_there) {
            *suspect = (struct wf_task_suspect){ 0 };
        }
        suspect->is_there = false;
    }
}

/* ---- what is told -------------------------------------------------------- */

static void put_origin(struct wf_task_news *news, const struct wf_seen_place *place)
{
    if (place->file != NULL) {
        snprintf(news->file, sizeof news->file, "%s", place->file);
        snprintf(news->function, sizeof news->function, "%s",
                 place->function != NULL ? place->function : "?");
        news->line = place->line;
    }
}

static double seconds(weft_duration duration)
{
    return (double)duration / 1e9;
}

static const struct wf_seen_loop *loop_of(const struct judge *judge,
                                          const struct wf_seen_task *task)
{
    return task->loop < judge->snapshot->n_loops ? &judge->snapshot->loops[task->loop] : NULL;
}

static bool find_limits(const struct judge *judge, const struct wf_seen_task *task,
                        struct wf_task_limits *limits)
{
    const struct wf_seen_loop *loop = loop_of(judge, task);

    return loop != NULL && judge->limits(loop->address, limits);
}

static void judge_cancel(struct judge *judge, const struct wf_seen_task *task)
{
    struct wf_task_limits limits;
    weft_duration age;

    if (task->n_cancels == 0 || task->is_torn || !find_limits(judge, task, &limits)) {
        return;
    }
    struct wf_task_news *news =
        judge_one(judge, WEFT_REPORT_CANCEL_IGNORED, task->id, 0, limits.cancel_ignored, &age);
    if (news == NULL) {
        return;
    }
    snprintf(news->message, sizeof news->message,
             "task '%s' goes on %.1f seconds after it was cancelled", task->name, seconds(age));
    snprintf(news->subject, sizeof news->subject, "%s", task->name);
    (void)wf_seen_describe_task(judge->snapshot, task, news->object, sizeof news->object);
    put_origin(news, &task->made);
}

/* The first task that waits for node <index>, or NULL. */
static const struct wf_seen_task *find_waiter(const struct judge *judge, uint32_t index)
{
    const struct wf_snapshot *snapshot = judge->snapshot;

    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        const struct wf_seen_node *node = &snapshot->nodes[snapshot->tasks[i].node];
        for (uint32_t k = 0; k < node->n_edges; k++) {
            if (snapshot->edges[node->first_edge + k] == index) {
                return &snapshot->tasks[i];
            }
        }
    }
    return NULL;
}

static void judge_lock(struct judge *judge, uint32_t index)
{
    const struct wf_seen_node *node = &judge->snapshot->nodes[index];
    struct wf_task_limits limits;
    weft_duration age;

    if (node->kind != WF_SEEN_LOCK || node->holder == 0 || node->n_waiters == 0 ||
        wf_snapshot_find_task(judge->snapshot, node->holder) != NULL) {
        return;
    }
    const struct wf_seen_task *waiter = find_waiter(judge, index);
    if (waiter == NULL || !find_limits(judge, waiter, &limits)) {
        return;
    }
    struct wf_task_news *news =
        judge_one(judge, WEFT_REPORT_LOCK_LEFT_BEHIND, node->address, 0, limits.waiting, &age);
    if (news == NULL) {
        return;
    }
    snprintf(news->message, sizeof news->message,
             "a lock was left behind: Task-%llu holds it and has ended; %u tasks wait for it, "
             "among them '%s'",
             (unsigned long long)node->holder, node->n_waiters, waiter->name);
    snprintf(news->subject, sizeof news->subject, "%s", waiter->name);
    (void)wf_seen_describe_task(judge->snapshot, waiter, news->object, sizeof news->object);
    put_origin(news, &node->made);
}

/* The same circle has the same key, wherever it begins. */
static uint64_t key_of(const struct wf_snapshot *snapshot, const struct wf_seen_cycle *cycle)
{
    uint64_t key = cycle->n;

    for (uint32_t i = 0; i < cycle->n; i++) {
        uint64_t address = snapshot->nodes[snapshot->cycle_nodes[cycle->first + i]].address;
        address ^= address >> 29;
        key += address * UINT64_C(0x9e3779b97f4a7c15);
    }
    return key;
}

static void judge_cycle(struct judge *judge, const struct wf_seen_cycle *cycle)
{
    const struct wf_snapshot *snapshot = judge->snapshot;
    const struct wf_seen_task *first = NULL;
    struct wf_task_limits limits;
    weft_duration age;
    struct wf_text text;
    char name[128];

    for (uint32_t i = 0; i < cycle->n && first == NULL; i++) {
        const struct wf_seen_node *node = &snapshot->nodes[snapshot->cycle_nodes[cycle->first + i]];
        first = node->task != WF_SEEN_NONE ? &snapshot->tasks[node->task] : NULL;
    }
    if (first == NULL || !find_limits(judge, first, &limits)) {
        return;
    }
    struct wf_task_news *news =
        judge_one(judge, WEFT_REPORT_WAIT_CYCLE, key_of(snapshot, cycle), 0, limits.waiting, &age);
    if (news == NULL) {
        return;
    }
    wf_text_init(&text, news->message, sizeof news->message);
    wf_text_add(&text, "tasks wait for each other for %.1f seconds: ", seconds(age));
    for (uint32_t k = 0; k <= cycle->n; k++) {
        wf_seen_name_node(snapshot, snapshot->cycle_nodes[cycle->first + k % cycle->n], name,
                          sizeof name);
        wf_text_add(&text, "%s%s", k > 0 ? " -> " : "", name);
    }
    snprintf(news->subject, sizeof news->subject, "%s", first->name);
    put_origin(news, &first->made);
}

size_t wf_task_watch_judge(struct wf_task_watch *watch, const struct wf_snapshot *snapshot,
                           wf_task_limits_fn *limits, struct wf_task_news news[static WF_TASK_NEWS])
{
    struct judge judge = { .watch = watch, .snapshot = snapshot, .limits = limits, .news = news };

    watch->is_pending = false;
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        judge_cancel(&judge, &snapshot->tasks[i]);
    }
    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        judge_lock(&judge, i);
    }
    for (uint32_t i = 0; i < snapshot->n_cycles; i++) {
        judge_cycle(&judge, &snapshot->cycles[i]);
    }
    forget_gone(watch);
    return judge.n_news;
}

void wf_task_news_report(const struct wf_task_news *news)
{
    weft_origin origin = { 0 };
    weft_report report = WEFT_REPORT_INIT;

    origin.function = news->function;
    origin.file = news->file;
    origin.line = news->line;
    report.kind = news->kind;
    report.message = news->message;
    report.subject = news->subject;
    report.object = news->object[0] != '\0' ? news->object : NULL;
    report.origin = news->file[0] != '\0' ? &origin : NULL;
    wf_report(&report);
}
