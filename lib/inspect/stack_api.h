#ifndef WF_INSPECT_STACK_API_H
#define WF_INSPECT_STACK_API_H

/*
 * What libweft asks of libweft-debug.so.0: one table, found by its name. Both come from one build:
 * libweft compares abi and the sizes, and does without it when they differ.
 *
 * Thread: one at a time; libweft has the lock. 64 KiB of stack.
 */

#include "inspect/stack.h"

#include <stdint.h>

#define WF_DEBUG_API_NAME "weft_debug_api_v1"

enum {
    WF_DEBUG_ABI = 1
};

struct wf_debug_api {
    uint32_t abi;
    uint32_t sample_size;
    uint32_t text_size;
    void (*symbolize)(const struct wf_stack_sample *sample, struct wf_stack_text *out_text);
    void (*name)(void *const *pcs, size_t n, struct wf_stack_text *out_text);
    void (*forget)(void);
};

#endif
