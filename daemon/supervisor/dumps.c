/*
 * dumps.c: asking workers what goes on in them, and waiting for it with patience for
 * two seconds.
 *
 * Questions stand in a list of the supervisor's while they are open; an answer finds its
 * own by number and generation, one that comes late or was never asked for is closed.
 *
 * Thread: the loop's.
 */
#include "supervisor/dumps.h"

#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/timeout.h>

static const char *state_of(const struct supervisor *supervisor, uint64_t number)
{
    const struct policy_generation *known = policy_find(&supervisor->policy, number);

    return known != NULL ? policy_state_name(known->state) : "ending";
}

__attribute__((format(printf, 3, 4))) static void fail(struct dump *dump, int code,
                                                       const char *format, ...)
{
    va_list arguments;

    dump->code = code;
    va_start(arguments, format);
    vsnprintf(dump->why, sizeof dump->why, format, arguments);
    va_end(arguments);
}

void dump_ask(struct supervisor *supervisor, struct generation *generation, uint64_t id,
              unsigned flags, struct dump *dump)
{
    *dump = (struct dump){
        .next = supervisor->dumps,
        .number = ++supervisor->n_dumps,
        .generation = generation->number,
        .pid = generation->pid,
        .state = state_of(supervisor, generation->number),
        .fd = -1,
    };
    supervisor->dumps = dump;
    dump->answer = weft_loop_create_future(NULL);
    int rc = dump->answer != NULL ? child_ask_dump(generation->child, dump->number, id, flags)
                                  : WEFT_ENOMEM;
    if (rc < 0) {
        fail(dump, rc, "it cannot be asked: %s", weft_strerror(rc));
    }
}

int dump_wait(struct dump *dump, weft_time deadline)
{
    if (dump->code != 0) {
        return 0;
    }
    weft_duration left = deadline - weft_loop_time(NULL);
    int rc = weft_wait_for(dump->answer, left > 0 ? left : 0, NULL);
    if (rc == WEFT_ETIMEDOUT) {
        fail(dump, rc, "it does not answer within %d s", DUMP_LIMIT_SECONDS);
        return 0;
    }
    if (rc < 0 && rc != WEFT_ECANCELED) {
        fail(dump, rc, "%s", weft_strerror(rc));
    }
    return rc == WEFT_ECANCELED ? rc : 0;
}

void dump_clear(struct supervisor *supervisor, struct dump *dump)
{
    for (struct dump **link = &supervisor->dumps; *link != NULL; link = &(*link)->next) {
        if (*link == dump) {
            *link = dump->next;
            break;
        }
    }
    if (dump->fd >= 0) {
        close(dump->fd);
    }
    (void)weft_future_unref(dump->answer); /* always NULL */
    *dump = (struct dump){ .fd = -1 };
}

/* Nobody waits for one that is done, or was given up. */
static void tell(struct dump *dump)
{
    if (dump->answer != NULL && !weft_future_done(dump->answer)) {
        (void)weft_future_set_result(dump->answer, weft_value_none()); /* it is pending, and ours */
    }
}

static void take(struct dump *dump, const struct channel_packet *packet, int fd)
{
    struct stat status;

    if (packet->code < 0) {
        fail(dump, packet->code, "%s", packet->text);
    } else if (fd < 0 || fstat(fd, &status) != 0 || status.st_size < 0 ||
               status.st_size > CHANNEL_DUMP_SIZE) {
        fail(dump, -EPROTO, "what it sent is no dump");
    } else {
        dump->fd = fd;
        dump->size = (size_t)status.st_size;
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
}

void dump_take_answer(struct supervisor *supervisor, uint64_t generation,
                      const struct channel_packet *packet, int fd)
{
    for (struct dump *dump = supervisor->dumps; dump != NULL; dump = dump->next) {
        if (dump->number == packet->number && dump->generation == generation && dump->code == 0 &&
            dump->fd < 0) {
            take(dump, packet, fd);
            tell(dump);
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

void dump_forget(struct supervisor *supervisor, uint64_t generation)
{
    for (struct dump *dump = supervisor->dumps; dump != NULL; dump = dump->next) {
        if (dump->generation == generation && dump->code == 0 && dump->fd < 0) {
            fail(dump, -ESRCH, "it has ended");
            tell(dump);
        }
    }
}
