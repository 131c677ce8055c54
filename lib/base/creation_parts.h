#ifndef WF_BASE_CREATION_PARTS_H
#define WF_BASE_CREATION_PARTS_H

/* What is kept of a creation (creation.h), for those who capture and name it. */

#include <stddef.h>

struct wf_creation {
    size_t n;
    void *pcs[]; /* the innermost first */
};

#endif
