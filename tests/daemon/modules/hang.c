/*
 * A hang made on purpose, for the tests of looking inside and for docs/develop.md. With two
 * loops:
 *
 *     loop 0: `transfer` holds the lock "left" and waits, over the loops, for "right"
 *     loop 1: `transfer` holds the lock "right" and waits, over the loops, for "left"
 *     loop 1: `reader`, once those two are stuck, calls read(2) on a pipe that nobody writes to
 *     loop 0: `resizers` wait for jobs of the executor "images", all of whose threads sleep
 *
 * Nothing of it ever ends.
 */
#include <stdatomic.h>
#include <unistd.h>
#include <weft/service.h>
#include <weft/weft.h>

enum {
    N_RESIZERS = 5
};

/* One per loop; the other loop looks at it once n_ready says that both are there. */
static struct account {
    weft_loop *loop;
    weft_lock *lock;
} accounts[2];
static atomic_int n_ready;   /* locks that are made and held */
static atomic_int n_waiting; /* tasks that are about to wait for the other's lock */

static int resize(void *unused)
{
    (void)unused;
    while (sleep(3600) == 0) {
    }
    return 0;
}

static int resizer(void *executor)
{
    weft_future *done;

    WEFT_TRY(weft_loop_run_in_executor(NULL, executor, resize, NULL, &done));
    int r = weft_await(done, NULL);
    weft_future_unref(done);
    return r;
}

static int read_reply(void *pipe)
{
    char byte;

    while (atomic_load(&n_waiting) < 2) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    WEFT_TRY(weft_sleep(WEFT_MS(20))); /* they suspend in the same turn */
    return read(((int *)pipe)[0], &byte, 1) == 1 ? 0 : WEFT_EUSER(1);
}

/* On the loop of <account>, for a task of the other one. */
static int lock_account(void *account)
{
    atomic_fetch_add(&n_waiting, 1);
    return weft_lock_acquire(((struct account *)account)->lock);
}

/* Take the lock of another loop. */
static int lock_remote(struct account *account)
{
    weft_concurrent_future *far_away;
    weft_future *here;

    WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(lock_account, account), account->loop,
                                           &far_away));
    int r = weft_wrap_future(far_away, NULL, &here);
    weft_concurrent_future_unref(far_away);
    WEFT_TRY(r);
    r = weft_await(here, NULL);
    weft_future_unref(here);
    return r;
}

static int transfer(void *mine)
{
    struct account *other = &accounts[mine == &accounts[0] ? 1 : 0];

    WEFT_TRY(weft_lock_acquire(((struct account *)mine)->lock));
    atomic_fetch_add(&n_ready, 1);
    while (atomic_load(&n_ready) < 2) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    return lock_remote(other);
}

static int run(weft_service *service)
{
    static int reply[2];
    int side = weft_get_running_loop_index() % 2;
    struct account *mine = &accounts[side];
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;

    mine->loop = weft_get_running_loop();
    WEFT_TRY(weft_lock_create(&mine->lock));
    options.name = side == 0 ? "transfer-out" : "transfer-in";
    WEFT_TRY(weft_loop_create_task(NULL, weft_coro_create(transfer, mine), &options, NULL));
    if (side == 0) {
        weft_executor *images = weft_service_get_executor(service, "images");
        options.name = "resizer";
        for (int i = 0; i < N_RESIZERS; i++) {
            WEFT_TRY(
                weft_loop_create_task(NULL, weft_coro_create(resizer, images), &options, NULL));
        }
    } else if (pipe(reply) == 0) {
        options.name = "reader";
        WEFT_TRY(weft_loop_create_task(NULL, weft_coro_create(read_reply, reply), &options, NULL));
    }
    return weft_sleep(WEFT_FOREVER);
}

WEFT_SERVICE(.name = "hang", .run = run);
