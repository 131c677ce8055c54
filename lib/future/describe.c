/*
 * Futures in one line, as reports show them; asyncio's repr.
 */

#include "base/text.h"
#include "future/future.h"

static void describe_outcome(const weft_future *future, struct wf_text *text)
{
    if (future->state == WF_FUTURE_PENDING || future->state == WF_FUTURE_CANCELLED) {
        return;
    }
    if (future->code < 0) {
        wf_text_add(text, " exception=%s('%s')", weft_error_name(future->code),
                    weft_error_get_message(future->error));
    } else if (future->value.destroy != NULL || future->is_value_taken) {
        wf_text_add(text, " result=%s", future->is_value_taken ? "taken" : "set");
    } else {
        wf_text_add(text, " result=%lld", (long long)future->value.as.num);
    }
}

void wf_future_describe(const weft_future *future, struct wf_text *text, bool is_nested)
{
    wf_text_add(text, "<%s %s", future->ops->kind,
                wf_future_state_name((enum wf_future_state)future->state));
    if (future->ops->describe != NULL) {
        future->ops->describe(future, text, is_nested);
    }
    describe_outcome(future, text);
    if (future->origin != NULL) {
        wf_text_add(text, " created at %s:%d", wf_text_file_name(future->origin->file),
                    future->origin->line);
    }
    wf_text_add(text, ">");
}

void weft_future_describe(const weft_future *future, char *buffer, size_t size)
{
    struct wf_text text;

    wf_text_init(&text, buffer, size);
    if (wf_future_check(future) == 0) {
        wf_future_describe(future, &text, /* is_nested = */ false);
    }
}
