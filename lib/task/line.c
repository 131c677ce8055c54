/*
 * The line: where tasks wait for a lock, an event, a condition, an item.
 *
 * A wait stands on the waiting task's stack and is linked into the object's list.
 * A cancelled waiter keeps its place until its task resumes, as asyncio's future
 * does, so that whoever looks in between sees that it is cancelled. A task that
 * vanishes with its loop is taken out, woken or not.
 *
 * Thread: the home's.
 */

#include "base/log.h"
#include "task/sync.h"

void wf_line_init(struct wf_line *line, uint32_t magic, const char *kind, const weft_origin *origin)
{
    *line = (struct wf_line){ .magic = magic, .kind = kind, .origin = origin };
    wf_list_init(&line->waiters);
}

int wf_line_check(const void *object, uint32_t magic, const char *kind)
{
    const struct wf_line *line = object;

    if (line == NULL || line->magic != magic) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a %s is needed",
                         line == NULL ? "NULL" : "an object of another kind, or one destroyed,",
                         kind);
    }
    return line->loop != NULL ? wf_loop_check(line->loop) : 0;
}

static void set_home(struct wf_line *line, weft_loop *loop)
{
    if (line->loop != NULL) {
        wf_loop_let_go(line->loop);
    }
    line->loop = loop;
    wf_loop_hold(loop);
}

void wf_line_settle(struct wf_line *line, bool is_free)
{
    weft_loop *running = wf_loop_running;

    if (__builtin_expect(running == line->loop, 1) || running == NULL || line->is_bound) {
        return;
    }
    if (is_free || line->loop == NULL || line->loop->is_closed) {
        set_home(line, running);
    }
}

int wf_line_check_home(const struct wf_line *line)
{
    if (line->loop == wf_task_current->future.loop) {
        return 0;
    }
    return weft_fail(WEFT_ERUNTIME, "the %s is bound to a different event loop", line->kind);
}

/* It stays in line until the task resumes. */
static bool cancel_in_line(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

/* The home closes, and the task never resumes. */
static void abandon_line(struct wf_wait *wait)
{
    struct wf_line_waiter *waiter = WF_CONTAINER_OF(wait, struct wf_line_waiter, wait);

    wf_list_remove(&waiter->link);
    ((struct wf_line *)wait->object)->n_inside--;
}

int wf_line_wait(struct wf_line *line, struct wf_list *list, const char *what, bool *out_is_woken)
{
    struct wf_line_waiter waiter = {
        .wait = WF_WAIT_INIT_FOR(cancel_in_line, abandon_line, what, WF_WAIT_LINE, line),
    };

    int r = wf_line_check_home(line);

    *out_is_woken = false;
    if (r < 0) {
        return r;
    }
    line->is_bound = true;
    line->n_inside++;
    wf_list_append(list, &waiter.link);
    r = wf_task_wait(&waiter.wait);
    wf_list_remove(&waiter.link);
    line->n_inside--;
    *out_is_woken = waiter.wait.code == 0;
    return r;
}

static struct wf_line_waiter *waiter_of(const struct wf_list *link)
{
    return WF_CONTAINER_OF(link, struct wf_line_waiter, link);
}

bool wf_line_wake(struct wf_list *link)
{
    struct wf_wait *wait = &waiter_of(link)->wait;

    if (wait->is_woken) {
        return false;
    }
    wf_wait_wake(wait, 0);
    return true;
}

bool wf_line_is_clear(const struct wf_line *line)
{
    for (const struct wf_list *link = line->waiters.next; link != &line->waiters;
         link = link->next) {
        const struct wf_wait *wait = &waiter_of(link)->wait;
        if (!wait->is_woken || wait->code != WEFT_ECANCELED) {
            return false;
        }
    }
    return true;
}

bool wf_line_wake_next(struct wf_line *line)
{
    for (struct wf_list *link = line->waiters.next; link != &line->waiters; link = link->next) {
        if (wf_line_wake(link)) {
            return true;
        }
    }
    return false;
}

void wf_line_wake_all(struct wf_line *line)
{
    for (struct wf_list *link = line->waiters.next; link != &line->waiters; link = link->next) {
        (void)wf_line_wake(link); /* woken already: fine */
    }
}

void wf_line_describe(const struct wf_line *line, const char *what, struct wf_text *text)
{
    const weft_origin *origin = line->origin;

    wf_text_add(text, " wait_for=<%s", what);
    if (line->holder != 0) {
        wf_text_add(text, " held by Task-%llu", (unsigned long long)line->holder);
    }
    if (origin != NULL) {
        wf_text_add(text, " created at %s:%d", wf_text_file_name(origin->file), origin->line);
    }
    wf_text_add(text, ">");
}

int wf_line_fini(struct wf_line *line)
{
    if (line->n_inside > 0) {
        return weft_fail(WEFT_EINVALIDSTATE, "tasks wait for the %s", line->kind);
    }
    line->magic = WF_DEAD_MAGIC;
    if (line->loop != NULL) {
        wf_loop_let_go(line->loop);
    }
    return 0;
}
