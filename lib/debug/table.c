/*
 * The table that libweft finds in libweft-debug.so.0, and its functions.
 *
 * Thread: see session.h.
 */

#include "debug/session.h"

#include "inspect/stack_text.h"

static void symbolize(const struct wf_stack_sample *sample, struct wf_stack_text *out_text)
{
    struct wf_debug_session *session;

    wf_stack_text_init(out_text);
    session = wf_debug_session_get(sample->pid, &out_text->note);
    if (session != NULL) {
        wf_debug_unwind(session, sample, out_text);
    }
}

static void name(void *const *pcs, size_t n, struct wf_stack_text *out_text)
{
    struct wf_debug_session *session;

    wf_stack_text_init(out_text);
    session = wf_debug_session_get(0, &out_text->note);
    for (size_t i = 0; session != NULL && i < n; i++) {
        if (!wf_debug_add_frames(session->dwfl, (uintptr_t)pcs[i], /* is_call = */ true,
                                 /* is_guessed = */ false, out_text)) {
            break;
        }
    }
}

__attribute__((visibility("default"))) const struct wf_debug_api weft_debug_api_v1 = {
    .abi = WF_DEBUG_ABI,
    .sample_size = sizeof(struct wf_stack_sample),
    .text_size = sizeof(struct wf_stack_text),
    .symbolize = symbolize,
    .name = name,
    .forget = wf_debug_session_forget,
};
