/*
 * Keeping the callers of whoever makes an object (creation.h).
 *
 * Thread: any.
 */

#include "base/creation.h"

#include "base/alloc.h"
#include "base/capture.h"
#include "base/creation_parts.h"

#include <string.h>

struct wf_creation *wf_creation_capture(void)
{
    void *pcs[WF_CAPTURE_MAX];
    int n = wf_capture_stack(pcs, WF_CAPTURE_MAX);
    struct wf_creation *creation = wf_alloc(sizeof *creation + (size_t)n * sizeof pcs[0]);

    if (creation != NULL) {
        creation->n = (size_t)n;
        memcpy(creation->pcs, pcs, (size_t)n * sizeof pcs[0]);
    }
    return creation;
}

struct wf_creation *wf_creation_copy(const struct wf_creation *creation)
{
    size_t size = creation != NULL ? sizeof *creation + creation->n * sizeof creation->pcs[0] : 0;
    struct wf_creation *copy = creation != NULL ? wf_alloc(size) : NULL;

    if (copy != NULL) {
        memcpy(copy, creation, size);
    }
    return copy;
}

void wf_creation_free(struct wf_creation *creation)
{
    wf_free(creation);
}
