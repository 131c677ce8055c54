#ifndef WF_THREAD_REGISTRY_H
#define WF_THREAD_REGISTRY_H

/*
 * A list of all objects of a kind in the process, for whoever looks in from outside
 * (lib/inspect). Objects enter when they are made and leave before their memory goes.
 *
 * One mutex guards all registries. It is held for a few instructions, or while somebody reads what
 * is listed, and then nothing that is listed goes away. A fork waits for it, so that the child's
 * lists are whole.
 *
 * Thread: any.
 */

#include "base/list.h"

#define WF_REGISTRY_INIT(list) \
    {                          \
        &(list), &(list)       \
    }

void wf_registry_add(struct wf_list *registry, struct wf_list *link);
/* A no-op for what was never added. */
void wf_registry_remove(struct wf_list *link);

void wf_registry_lock(void);
void wf_registry_unlock(void);

#endif
