/*
 * Watches of running jobs: a list under a lock. There are as many as jobs run
 * whose executor kills what nobody wants, so it is short and searched from one end.
 *
 * Who abandons first marks the job and then looks for its watch; who watches first adds
 * the watch and then looks at the mark. Both look under the lock, so one of them sees the other.
 *
 * Addresses are compared, not followed: a watched job is alive, and so is the one
 * that is abandoned, so equal addresses mean the same job.
 *
 * Thread: any.
 */

#include "thread/abandon.h"

#include "base/assert.h"
#include "thread/executor.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wf_list watches = { &watches, &watches }; /* guarded by lock */

void wf_abandon_watch_start(struct wf_abandon_watch *watch, void (*tell)(struct wf_abandon_watch *))
{
    watch->job = wf_executor_get_job_here();
    watch->tell = tell;
    WF_ASSERT(watch->job != NULL);
    pthread_mutex_lock(&lock);
    wf_list_append(&watches, &watch->link);
    if (wf_executor_is_abandoned(watch->job)) {
        tell(watch);
    }
    pthread_mutex_unlock(&lock);
}

void wf_abandon_watch_stop(struct wf_abandon_watch *watch)
{
    pthread_mutex_lock(&lock);
    wf_list_remove(&watch->link);
    pthread_mutex_unlock(&lock);
}

void wf_abandon_tell(const struct weft_concurrent_future *job)
{
    pthread_mutex_lock(&lock);
    for (struct wf_list *link = watches.next; link != &watches; link = link->next) {
        struct wf_abandon_watch *watch = WF_CONTAINER_OF(link, struct wf_abandon_watch, link);
        if (watch->job == job) {
            watch->tell(watch);
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}
