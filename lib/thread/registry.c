/*
 * Registries: see registry.h.
 *
 * Rank: it is taken before every other lock of the library by whoever reads, and with none held
 * by whoever adds or removes.
 *
 * Thread: any.
 */

#include "thread/registry.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

void wf_registry_lock(void)
{
    pthread_mutex_lock(&mu);
}

void wf_registry_unlock(void)
{
    pthread_mutex_unlock(&mu);
}

void wf_registry_add(struct wf_list *registry, struct wf_list *link)
{
    wf_registry_lock();
    wf_list_append(registry, link);
    wf_registry_unlock();
}

void wf_registry_remove(struct wf_list *link)
{
    wf_registry_lock();
    if (link->next != NULL) {
        wf_list_remove(link);
    }
    wf_registry_unlock();
}
