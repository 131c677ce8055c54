/*
 * Connecting: tries at several addresses, one of which wins.
 *
 *     next address --connect--> under way --edge--> connected: the others are closed
 *          ^                      |   |
 *          |--- the last one failed   `--- its delay is over
 *
 * That is asyncio's staggered_race without its tasks: one task waits, an attempt
 * is a socket and a watch. A failure begins the next attempt at once only if it
 * was that of the last one begun. Without a delay that makes strictly one after
 * the other.
 *
 * connect is called before the socket is registered, since an unconnected one
 * would at once report a hang-up. A task that is cancelled, also at the very
 * moment of success, closes what it has.
 *
 * What is under way stands in the slot, so that a loop which closes finds the
 * sockets and the memory; the struct itself is on the stack of its task.
 *
 * Thread: the loop's, in a task.
 */

#include "io/connect.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "io/names.h"
#include "task/task.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* How long to wait before a full unix listener is asked again. */
    RETRY_FIRST_MS = 1,
    RETRY_LAST_MS = 64,
    COMBINED_SIZE = 4096
};

struct connecting;

struct attempt {
    struct wf_watch watch;
    struct connecting *all;           /* borrowed: it owns this */
    const struct wf_address *address; /* borrowed: in all->names */
    int fd;                           /* owned; -1: not begun, or over */
    bool is_answered;                 /* there was an edge: SO_ERROR tells the rest */
};

/* Why an attempt failed; one may fail at each local address, too. */
struct failure {
    struct failure *next; /* owned; in the order of attempts, each one's in that of failing */
    size_t attempt;
    weft_error *error; /* ref */
};

struct connecting {
    struct wf_list link; /* in the slot */
    struct wf_io *io;
    const weft_connect_options *options; /* borrowed: on the same stack */
    const weft_origin *origin;
    struct wf_names *names;   /* owned: of the host */
    struct wf_names *local;   /* owned: of the local address, NULL: any */
    struct attempt *attempts; /* owned: one for each of names */
    size_t n_begun;
    size_t n_under_way;
    struct failure *failures; /* owned */
    struct wf_wait wait;
    bool is_waiting;
    struct wf_timer timer;
};

/* ---- options ------------------------------------------------------------ */

int wf_connect_read_options(const weft_connect_options *options, weft_connect_options *out_options)
{
    weft_connect_options read = WEFT_CONNECT_OPTIONS_INIT;
    int code = wf_options_read("connect options", options, &read, sizeof read);

    if (code < 0) {
        return code;
    }
    if (read.happy_eyeballs_delay < 0 || read.limit < 0 || read.interleave < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "connect options with a negative delay, limit or interleave");
    }
    if (read.local_port < 0 || read.local_port > 65535) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a local port of %d", read.local_port);
    }
    if (read.interleave == 0 && read.happy_eyeballs_delay > 0) {
        read.interleave = 1;
    }
    read.limit = read.limit != 0 ? read.limit : WEFT_FOREVER;
    *out_options = read;
    return 0;
}

/* ---- life --------------------------------------------------------------- */

static void wake(struct connecting *all, int code)
{
    if (all->is_waiting) {
        all->is_waiting = false;
        wf_wait_wake(&all->wait, code);
    }
}

/* Runs in the append phase: an attempt is answered. */
static void on_answer(struct wf_watch *watch, uint32_t events)
{
    struct attempt *attempt = WF_CONTAINER_OF(watch, struct attempt, watch);

    (void)events;
    attempt->is_answered = true;
    wake(attempt->all, 0);
}

/* A delay or the limit is over: in a turn, on the loop's thread. */
static void on_timer(struct wf_work *work)
{
    wake(WF_CONTAINER_OF(work, struct connecting, timer.work), 0);
}

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wake(WF_CONTAINER_OF(wait, struct connecting, wait), WEFT_ECANCELED);
    return true;
}

static void begin(struct connecting *all, struct wf_io *io, const weft_connect_options *options,
                  const weft_origin *origin)
{
    *all = (struct connecting){ .io = io, .options = options, .origin = origin };
    wf_timer_init(&all->timer, on_timer);
    wf_list_append(&io->connects, &all->link);
}

static void close_attempt(struct attempt *attempt)
{
    if (attempt->fd >= 0) {
        wf_watch_remove(&attempt->all->io->loop->poller, &attempt->watch);
        (void)close(attempt->fd); /* a socket: whatever it says, the descriptor is gone */
        attempt->fd = -1;
        attempt->all->n_under_way--;
    }
}

static void drop_failures(struct connecting *all)
{
    while (all->failures != NULL) {
        struct failure *failure = all->failures;
        all->failures = failure->next;
        wf_error_unref(failure->error);
        wf_free(failure);
    }
}

static void end(struct connecting *all)
{
    for (size_t i = 0; i < all->n_begun; i++) {
        close_attempt(&all->attempts[i]);
    }
    wf_timer_stop(all->io->loop, &all->timer);
    wf_list_remove(&all->link);
    drop_failures(all);
    wf_free(all->attempts);
    wf_free(all->names);
    wf_free(all->local);
}

static void report_unclosed(const struct connecting *all)
{
    weft_report report = WEFT_REPORT_INIT;

    report.kind = WEFT_REPORT_UNCLOSED_TRANSPORT;
    report.message = "unclosed transport <stream connecting>";
    report.object = "stream connecting";
    report.origin = all->origin;
    wf_loop_report(all->io->loop, &report);
}

void wf_connects_close_all(struct wf_io *io)
{
    while (!wf_list_is_empty(&io->connects)) {
        struct connecting *all = WF_CONTAINER_OF(io->connects.next, struct connecting, link);
        report_unclosed(all);
        if (all->is_waiting) {
            all->is_waiting = false;
            wf_wait_disown(&all->wait);
        }
        end(all);
    }
}

void wf_connected_drop(struct wf_connected *connected)
{
    if (!connected->is_given) {
        (void)close(connected->fd); /* nothing was said on it */
    }
}

/* ---- failures ----------------------------------------------------------- */

/* Remember why <attempt> failed. Always negative: <code>, or WEFT_ENOMEM, which ends all. */
static int add_failure(struct connecting *all, size_t attempt, int code, const char *message)
{
    struct failure **place = &all->failures;
    struct failure *failure = wf_new(struct failure);

    if (failure == NULL || code == WEFT_ENOMEM) {
        wf_free(failure);
        return WEFT_ENOMEM;
    }
    failure->attempt = attempt;
    failure->error = wf_error_create(code, all->origin, message);
    if (failure->error == NULL) {
        wf_free(failure);
        return WEFT_ENOMEM;
    }
    while (*place != NULL && (*place)->attempt <= attempt) {
        place = &(*place)->next;
    }
    failure->next = *place;
    *place = failure;
    return code;
}

/* It was refused after a while: the address says by whom. */
static int add_refusal(struct connecting *all, size_t attempt, int code)
{
    char buffer[160];
    struct wf_text text;

    wf_text_init(&text, buffer, sizeof buffer);
    wf_text_add(&text, "Connect call failed ");
    wf_address_add_to_text(all->attempts[attempt].address, &text);
    return add_failure(all, attempt, code, buffer);
}

static int add_bind_failure(struct connecting *all, size_t attempt, int code,
                            const struct wf_address *address)
{
    char buffer[192];
    struct wf_text text;

    wf_text_init(&text, buffer, sizeof buffer);
    wf_text_add(&text, "error while attempting to bind on address ");
    wf_address_add_to_text(address, &text);
    wf_text_add(&text, ": ");
    size_t from = text.used;
    wf_text_add(&text, "%s", weft_strerror(code));
    for (size_t i = from; i < text.used; i++) {
        buffer[i] = (char)tolower((unsigned char)buffer[i]);
    }
    return add_failure(all, attempt, code, buffer);
}

static void add_error_text(struct wf_text *text, const weft_error *error)
{
    int code = weft_error_get_code(error);

    if (code > WEFT_ECANCELED) { /* a system's */
        wf_text_add(text, "[Errno %d] ", -code);
    }
    wf_text_add(text, "%s", weft_error_get_message(error));
}

static bool all_say_the_same(const struct failure *first)
{
    for (const struct failure *f = first->next; f != NULL; f = f->next) {
        if (weft_error_get_code(f->error) != weft_error_get_code(first->error) ||
            strcmp(weft_error_get_message(f->error), weft_error_get_message(first->error)) != 0) {
            return false;
        }
    }
    return true;
}

/* One error of them all. Its code is the first one's, or WEFT_EGROUP. */
static int combine(const struct connecting *all)
{
    int code = all->options->all_errors ? WEFT_EGROUP : weft_error_get_code(all->failures->error);
    char message[COMBINED_SIZE];
    struct wf_text text;
    size_t n = 0;

    wf_text_init(&text, message, sizeof message);
    wf_text_add(&text,
                all->options->all_errors ? "create_connection failed" : "Multiple exceptions: ");
    for (const struct failure *f = all->failures; f != NULL; f = f->next) {
        if (!all->options->all_errors) {
            wf_text_add(&text, n > 0 ? ", " : "");
            add_error_text(&text, f->error);
        }
        n++;
    }
    weft_error **children = wf_new_array(weft_error *, n);
    if (children == NULL) {
        return WEFT_ENOMEM;
    }
    n = 0;
    for (const struct failure *f = all->failures; f != NULL; f = f->next) {
        children[n++] = f->error;
    }
    weft_error *error = wf_error_create_combined(code, all->origin, message, children, n);
    wf_free(children);
    if (error == NULL) {
        return WEFT_ENOMEM;
    }
    (void)weft_raise(error); /* it gives the code back */
    wf_error_unref(error);
    return code;
}

/* No address is left. */
static int fail(const struct connecting *all)
{
    if (all->failures == NULL) {
        return weft_fail_at(all->origin, WEFT_EADDRINFO, "getaddrinfo() returned empty list");
    }
    if (!all->options->all_errors && all_say_the_same(all->failures)) {
        return weft_raise(all->failures->error);
    }
    return combine(all);
}

/* ---- one attempt -------------------------------------------------------- */

static int make_socket(int family, int proto)
{
    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
    if (fd < 0) {
        return -errno;
    }
    if (family != AF_UNIX) {
        /* An optimisation: without it small writes wait for acknowledgements. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    }
    return fd;
}

/* Bind to the first local address that fits; those that do not are failures. */
static int bind_local(struct connecting *all, size_t i)
{
    const struct attempt *attempt = &all->attempts[i];
    int family = attempt->address->as.any.sa_family;
    bool has_failed = false;
    int code = 0;
    char message[80];

    if (all->local == NULL) {
        return 0;
    }
    for (size_t k = 0; k < all->local->n; k++) {
        const struct wf_address *local = &all->local->addresses[k];
        if (local->as.any.sa_family != family) {
            continue;
        }
        if (bind(attempt->fd, &local->as.any, local->len) == 0) {
            return 0;
        }
        has_failed = true;
        code = add_bind_failure(all, i, -errno, local);
        if (code == WEFT_ENOMEM) {
            return code;
        }
    }
    if (has_failed) {
        return code;
    }
    (void)snprintf(message, sizeof message, "no matching local address with family=%s found",
                   family == AF_INET6 ? "AF_INET6" : "AF_INET");
    return add_failure(all, i, -EADDRNOTAVAIL, message);
}

/* 0 when connected, -EINPROGRESS, or another system code. */
static int start_connect(int fd, const struct wf_address *address)
{
    int r;

    do {
        r = connect(fd, &address->as.any, address->len);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* Begin attempt <i>: 0 when it is connected, -EINPROGRESS, or it failed and that is noted. */
static int begin_attempt(struct connecting *all, size_t i)
{
    struct attempt *attempt = &all->attempts[i];
    struct wf_poller *poller = &all->io->loop->poller;

    *attempt = (struct attempt){ .all = all, .address = &all->names->addresses[i], .fd = -1 };
    attempt->watch.fd = -1;
    int fd = make_socket(attempt->address->as.any.sa_family, all->options->proto);
    if (fd < 0) {
        return add_failure(all, i, fd, weft_strerror(fd));
    }
    attempt->fd = fd;
    all->n_under_way++;
    int code = bind_local(all, i);
    if (code == 0) {
        code = start_connect(fd, attempt->address);
        if (code == -EINPROGRESS) {
            int r = wf_watch_add(poller, &attempt->watch, fd, on_answer);
            code = r < 0 ? r : code;
        }
        if (code < 0 && code != -EINPROGRESS) {
            code = add_failure(all, i, code, weft_strerror(code));
        }
    }
    if (code < 0 && code != -EINPROGRESS) {
        close_attempt(attempt);
    }
    return code;
}

/* What an attempt that was under way came to: 0, or it failed and that is noted. */
static int judge(struct connecting *all, size_t i)
{
    struct attempt *attempt = &all->attempts[i];
    int failure = 0;
    socklen_t len = sizeof failure;

    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0) {
        failure = errno;
    }
    if (failure == 0) {
        return 0;
    }
    close_attempt(attempt);
    return add_refusal(all, i, -failure);
}

/* ---- the race ----------------------------------------------------------- */

/* Suspend until an attempt is answered, or until <until>. */
static int wait_for_answer(struct connecting *all, weft_time until)
{
    weft_loop *loop = all->io->loop;

    if (until != WEFT_FOREVER) {
        int code = wf_timer_start(loop, &all->timer, until);
        if (code < 0) {
            return code;
        }
    }
    all->wait = WF_WAIT_INIT(cancel_wait, "connect");
    all->is_waiting = true;
    int code = wf_task_wait(&all->wait);
    wf_timer_stop(loop, &all->timer);
    return code;
}

/* Give the socket of attempt <i> away. */
static int win(struct connecting *all, size_t i, struct wf_connected *out)
{
    struct attempt *attempt = &all->attempts[i];

    wf_watch_remove(&all->io->loop->poller, &attempt->watch);
    *out = (struct wf_connected){ attempt->fd, false, *attempt->address };
    attempt->fd = -1;
    all->n_under_way--;
    return 0;
}

/* Begin attempts as long as they fail at once: 0 with a winner, 1 when one has to wait. */
static int begin_next(struct connecting *all, struct wf_connected *out)
{
    while (all->n_begun < all->names->n) {
        size_t i = all->n_begun++;
        int code = begin_attempt(all, i);
        if (code == 0) {
            return win(all, i, out);
        }
        if (code == -EINPROGRESS || code == WEFT_ENOMEM) {
            return code == WEFT_ENOMEM ? code : 1;
        }
    }
    return 1;
}

/* Look at those that are answered: 0 with a winner, 1, or WEFT_ENOMEM. */
static int judge_all(struct connecting *all, struct wf_connected *out, bool *out_has_last_failed)
{
    for (size_t i = 0; i < all->n_begun; i++) {
        struct attempt *attempt = &all->attempts[i];
        if (attempt->fd < 0 || !attempt->is_answered) {
            continue;
        }
        int code = judge(all, i);
        if (code == 0) {
            return win(all, i, out);
        }
        if (code == WEFT_ENOMEM) {
            return code;
        }
        *out_has_last_failed |= i + 1 == all->n_begun;
    }
    return 1;
}

static int race(struct connecting *all, weft_time deadline, struct wf_connected *out)
{
    weft_loop *loop = all->io->loop;
    weft_duration delay = all->options->happy_eyeballs_delay;
    weft_time next_at = WEFT_FOREVER;
    bool is_next_due = true;

    for (;;) {
        if (is_next_due) {
            int code = begin_next(all, out);
            if (code <= 0) {
                return code;
            }
            next_at = delay > 0 && all->n_begun < all->names->n ? wf_loop_deadline(loop, delay)
                                                                : WEFT_FOREVER;
        }
        if (all->n_under_way == 0) {
            return fail(all);
        }
        int code = wait_for_answer(all, next_at < deadline ? next_at : deadline);
        if (code < 0) {
            return code;
        }
        is_next_due = false;
        code = judge_all(all, out, &is_next_due);
        if (code <= 0) {
            return code;
        }
        weft_time now = wf_loop_now(loop);
        if (deadline <= now) {
            return WEFT_ETIMEDOUT;
        }
        is_next_due |= next_at <= now;
    }
}

/* ---- addresses ---------------------------------------------------------- */

/* Move the next address over that is (or is not) of <family>. False when none is left. */
static bool move_next(struct wf_names *from, int family, bool is_of_it, struct wf_names *to)
{
    for (size_t i = 0; i < from->n; i++) {
        struct wf_address *address = &from->addresses[i];
        if (address->len != 0 && (address->as.any.sa_family == family) == is_of_it) {
            to->addresses[to->n++] = *address;
            address->len = 0; /* taken */
            return true;
        }
    }
    return false;
}

/* The first one's family leads by <count> - 1; from then on both take turns. */
static int interleave(struct wf_names *names, size_t count)
{
    size_t size = sizeof *names + names->n * sizeof names->addresses[0];
    struct wf_names *from = wf_alloc(size);

    if (from == NULL) {
        return WEFT_ENOMEM;
    }
    memcpy(from, names, size);
    int family = from->addresses[0].as.any.sa_family;
    names->n = 0;
    while (names->n + 1 < count && move_next(from, family, true, names)) {
    }
    for (bool is_more = true; is_more;) {
        is_more = move_next(from, family, true, names);
        is_more |= move_next(from, family, false, names);
    }
    wf_free(from);
    return 0;
}

static int look_up(struct connecting *all, const char *host, int port, weft_time deadline,
                   struct wf_names **out_names)
{
    const struct wf_name_hints hints = { all->options->family, SOCK_STREAM, all->options->proto,
                                         all->options->flags };

    return wf_names_look_up(all->io, host, port, &hints, deadline, all->origin, out_names);
}

static int resolve(struct connecting *all, const char *host, int port, weft_time deadline)
{
    const weft_connect_options *options = all->options;
    int code = look_up(all, host, port, deadline, &all->names);

    if (code == 0 && (options->local_host != NULL || options->local_port != 0)) {
        code = look_up(all, options->local_host, options->local_port, deadline, &all->local);
    }
    if (code == 0 && options->interleave > 0 && all->names->n > 1) {
        code = interleave(all->names, (size_t)options->interleave);
    }
    if (code < 0) {
        return code;
    }
    all->attempts = wf_new_array(struct attempt, all->names->n);
    return all->attempts != NULL ? 0 : WEFT_ENOMEM;
}

/* ---- a socket that is given --------------------------------------------- */

static int take_socket(int fd, const weft_origin *origin, struct wf_connected *out)
{
    struct wf_address peer = { .len = sizeof peer.as };
    int type = 0;
    socklen_t len = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return weft_fail_at(origin, -errno, "not a socket: descriptor %d", fd);
    }
    if (type != SOCK_STREAM) {
        return weft_fail_at(origin, WEFT_EINVAL, "A Stream Socket was expected, got descriptor %d",
                            fd);
    }
    if (getpeername(fd, &peer.as.any, &peer.len) < 0) {
        return weft_fail_at(origin, -errno, "the socket is not connected: descriptor %d", fd);
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) {
        return -errno;
    }
    if (peer.as.any.sa_family != AF_UNIX) {
        /* Fails for what is not TCP, which does not delay either. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    }
    *out = (struct wf_connected){ fd, true, peer };
    return 0;
}

/* ---- both kinds --------------------------------------------------------- */

static int check_target(const char *host, int port, const weft_connect_options *options,
                        const weft_origin *origin)
{
    bool has_target = host != NULL || port != 0;

    if ((host != NULL && host[0] == '\0') || port < 0 || port > 65535) {
        return weft_fail_at(origin, WEFT_EINVAL, "not an address: host \"%s\", port %d",
                            host != NULL ? host : "", port);
    }
    if (has_target && options->sock != 0) {
        return weft_fail_at(origin, WEFT_EINVAL,
                            "host/port and sock can not be specified at the same time");
    }
    if (!has_target && options->sock == 0) {
        return weft_fail_at(origin, WEFT_EINVAL,
                            "host and port was not specified and no sock specified");
    }
    return 0;
}

int wf_connect(struct wf_io *io, const char *host, int port, const weft_connect_options *options,
               weft_time deadline, const weft_origin *origin, struct wf_connected *out)
{
    weft_time limit = wf_loop_deadline(io->loop, options->limit);
    struct connecting all;
    int code = check_target(host, port, options, origin);

    if (code < 0) {
        return code;
    }
    if (options->sock != 0) {
        return take_socket(options->sock, origin, out);
    }
    deadline = limit < deadline ? limit : deadline;
    begin(&all, io, options, origin);
    code = resolve(&all, host, port, deadline);
    if (code == 0) {
        code = race(&all, deadline, out);
    }
    end(&all);
    return code;
}

/* A unix listener whose queue is full says so at once, and no edge tells when it is not. */
static int connect_patiently(struct connecting *all, struct wf_connected *out, weft_time deadline)
{
    const struct attempt *attempt = &all->attempts[0];
    weft_duration pause = WEFT_MS(RETRY_FIRST_MS);

    for (;;) {
        int code = start_connect(attempt->fd, attempt->address);
        if (code == 0) {
            return win(all, 0, out);
        }
        if (code != -EAGAIN) {
            return code;
        }
        weft_time now = wf_loop_now(all->io->loop);
        if (deadline <= now) {
            return WEFT_ETIMEDOUT;
        }
        code = weft_sleep(deadline - now < pause ? deadline - now : pause);
        if (code < 0) {
            return code;
        }
        pause = pause < WEFT_MS(RETRY_LAST_MS) ? pause * 2 : pause;
    }
}

/* One address, one attempt, that may have to be repeated. */
static int connect_to(struct connecting *all, const struct wf_address *address, weft_time deadline,
                      struct wf_connected *out)
{
    all->names = wf_alloc(sizeof *all->names + sizeof *address);
    all->attempts = wf_new(struct attempt);
    if (all->names == NULL || all->attempts == NULL) {
        return WEFT_ENOMEM;
    }
    all->names->n = 1;
    all->names->addresses[0] = *address;
    int fd = make_socket(AF_UNIX, 0);
    if (fd < 0) {
        return fd;
    }
    *all->attempts = (struct attempt){ .all = all, .address = all->names->addresses, .fd = fd };
    all->attempts->watch.fd = -1;
    all->n_begun = 1;
    all->n_under_way = 1;
    return connect_patiently(all, out, deadline);
}

int wf_connect_unix(struct wf_io *io, const char *path, weft_time deadline,
                    const weft_origin *origin, struct wf_connected *out)
{
    static const weft_connect_options defaults = WEFT_CONNECT_OPTIONS_INIT;
    struct wf_address address;
    struct connecting all;
    int code = wf_address_parse_unix(path, &address);

    if (code < 0) {
        return weft_fail_at(origin, code, "not a path of a unix socket: \"%s\"",
                            path != NULL ? path : "");
    }
    begin(&all, io, &defaults, origin);
    code = connect_to(&all, &address, deadline, out);
    end(&all);
    if (code == 0 || code == WEFT_ECANCELED || code == WEFT_ENOMEM) {
        return code; /* they explain themselves */
    }
    return weft_fail_at(origin, code, "Connect call failed ('%s')", path);
}
