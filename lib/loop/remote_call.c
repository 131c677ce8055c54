/*
 * Calls from other threads that nobody will cancel: the small and fast half of
 * weft_loop_call_soon_threadsafe. Who asks for a handle gets one (handle.c).
 *
 * A call is one line of the cache. Its node is a post until the loop takes it,
 * and work from then on. A call that has run goes back to those who post: the
 * loop gathers them and now and then puts the chain where a poster finds it, who
 * takes all of it at once and keeps it for itself. So in a steady state a call
 * costs no allocation and its memory does not wander through the allocator from
 * one thread to the other.
 *
 * Thread: get and post on any; run, gather and drop on the loop's.
 */

#include "loop/loop.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/context.h"
#include "thread/atomic.h"

#include <pthread.h>

enum {
    MAX_GATHERED = 4096
};

struct wf_remote_call {
    union {
        struct wf_post post; /* its `next` also chains spare ones */
        struct wf_work work;
    } node;
    weft_loop *loop;
    weft_callback_fn *fn;
    void *data;
    const weft_origin *origin;
    struct wf_vars *vars; /* ref: what the callback is to see */
};                        /* a cache line: many may wait at a time */

/* One of which level full keeps who made it. */
struct made_call {
    struct wf_remote_call call;
    struct wf_creation *creation; /* owned */
};

/* ---- memory ------------------------------------------------------------- */

/* This thread's spare calls, in a chain. */
static __thread struct wf_post *spare __attribute__((tls_model("initial-exec")));
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

static struct wf_remote_call *call_of(struct wf_post *post)
{
    return WF_CONTAINER_OF(post, struct wf_remote_call, node.post);
}

static void free_chain(struct wf_post *chain)
{
    while (chain != NULL) {
        struct wf_post *next = chain->next;
        wf_free(call_of(chain));
        chain = next;
    }
}

/* At the end of a thread that kept spare calls. */
static void on_thread_exit(void *ignored)
{
    (void)ignored;
    free_chain(spare);
    spare = NULL;
}

static void make_exit_key(void)
{
    /* Without a key the spare calls of an ending thread leak; there is nobody to tell. */
    (void)pthread_key_create(&exit_key, on_thread_exit);
}

/* Take what the loop has gathered. */
static void fetch_spare(weft_loop *loop)
{
    /* Pairs with the exchange in wf_remote_calls_offer. */
    spare = wf_ptr_exchange_acq_rel(&loop->offered_calls, NULL);
    if (spare != NULL) {
        pthread_once(&exit_key_once, make_exit_key);
        (void)pthread_setspecific(exit_key, &spare); /* any pointer: it asks for the call */
    }
}

static struct wf_remote_call *get_memory(weft_loop *loop)
{
    if (spare == NULL && wf_ptr_load_relaxed(&loop->offered_calls) != NULL) {
        fetch_spare(loop);
    }
    if (spare == NULL || wf_alloc_may_fail_now()) {
        return wf_alloc(sizeof(struct wf_remote_call));
    }
    struct wf_post *first = spare;
    spare = first->next;
    return call_of(first);
}

static void gather(weft_loop *loop, struct wf_remote_call *call)
{
    if (loop->n_spent_calls == MAX_GATHERED) {
        wf_free(call);
        return;
    }
    loop->n_spent_calls++;
    call->node.post.next = loop->spent_calls;
    loop->spent_calls = &call->node.post;
}

void wf_remote_calls_offer(weft_loop *loop)
{
    if (wf_ptr_load_relaxed(&loop->offered_calls) != NULL) {
        return; /* nobody has taken the last ones */
    }
    struct wf_post *before = wf_ptr_exchange_acq_rel(&loop->offered_calls, loop->spent_calls);
    loop->spent_calls = before; /* NULL: only this thread offers */
    loop->n_spent_calls = 0;
}

void wf_remote_calls_free(weft_loop *loop)
{
    free_chain(loop->spent_calls);
    loop->spent_calls = NULL;
    loop->n_spent_calls = 0;
    free_chain(wf_ptr_exchange_acq_rel(&loop->offered_calls, NULL));
}

/* ---- running ------------------------------------------------------------ */

static struct wf_remote_call *call_of_work(const struct wf_work *work)
{
    return WF_CONTAINER_OF(work, struct wf_remote_call, node.work);
}

/* A turn of the loop. */
static void run_call(struct wf_work *work)
{
    struct wf_remote_call *call = call_of_work(work);
    weft_loop *loop = call->loop;
    weft_callback_fn *fn = call->fn;
    void *data = call->data;
    const weft_origin *origin = call->origin;
    struct wf_vars *vars = call->vars;

    gather(loop, call);
    wf_loop_run_callback_in(loop, origin, fn, data, vars);
}

static void drop_call(struct wf_work *work)
{
    struct wf_remote_call *call = call_of_work(work);
    struct wf_vars *vars = call->vars;

    wf_free(call);
    wf_vars_drop(vars);
}

/* The same two of a call that has its maker with it. */
static void run_made_call(struct wf_work *work)
{
    struct made_call *made = WF_CONTAINER_OF(call_of_work(work), struct made_call, call);
    struct made_call copy = *made;

    wf_free(made);
    wf_loop_run_callback_made(copy.call.loop, copy.call.origin, copy.call.fn, copy.call.data,
                              copy.call.vars, copy.creation);
}

static void drop_made_call(struct wf_work *work)
{
    struct made_call *made = WF_CONTAINER_OF(call_of_work(work), struct made_call, call);

    wf_creation_free(made->creation);
    drop_call(work);
}

static void describe_call(const struct wf_work *work, struct wf_work_info *info)
{
    wf_work_info_set(info, "Handle", call_of_work(work)->origin);
}

static const struct wf_work_kind call_kind = { run_call, drop_call, describe_call, "Handle",
                                               WF_WORK_ORIGIN_AT(struct wf_remote_call, node.work,
                                                                 origin) };

static const struct wf_work_kind made_call_kind = {
    run_made_call, drop_made_call, describe_call, "Handle",
    WF_WORK_ORIGIN_AT(struct wf_remote_call, node.work, origin)
};

void wf_remote_calls_init(weft_loop *loop)
{
    wf_loop_know_work(loop, &call_kind);
    wf_loop_know_work(loop, &made_call_kind);
}

/* The append phase. */
static void deliver_call(struct wf_post *post)
{
    struct wf_remote_call *call = call_of(post);

    wf_work_init(&call->node.work, run_call);
    wf_loop_run_soon(call->loop, &call->node.work);
}

static void deliver_made_call(struct wf_post *post)
{
    struct wf_remote_call *call = call_of(post);

    wf_work_init(&call->node.work, run_made_call);
    wf_loop_run_soon(call->loop, &call->node.work);
}

/* Memory for a call that keeps <creation>; NULL without any. */
WF_COLD static struct wf_remote_call *get_made_memory(weft_loop *loop, struct wf_creation *creation)
{
    struct made_call *made = wf_alloc(sizeof *made);

    if (made == NULL) {
        wf_creation_free(creation);
        return NULL;
    }
    made->creation = creation;
    made->call.node.post.deliver = deliver_made_call;
    made->call.loop = loop;
    return &made->call;
}

int wf_remote_call(const weft_origin *origin, weft_loop *loop, weft_context *context,
                   weft_callback_fn *fn, void *data)
{
    struct wf_creation *creation = wf_loop_capture_creation(loop);
    struct wf_remote_call *call;

    if (__builtin_expect(creation != NULL, 0)) {
        call = get_made_memory(loop, creation);
    } else if ((call = get_memory(loop)) != NULL) {
        call->node.post.deliver = deliver_call;
        call->loop = loop;
    }
    if (call == NULL) {
        return WEFT_ENOMEM;
    }
    call->fn = fn;
    call->data = data;
    call->origin = origin;
    call->vars = wf_vars_for(context);
    int r = wf_loop_post(loop, &call->node.post);
    if (r < 0) {
        wf_vars_drop(call->vars);
        if (creation != NULL) {
            wf_creation_free(creation);
        }
        wf_free(call); /* the first part of the other kind */
    }
    return r;
}
