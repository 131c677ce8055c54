/*
 * 265-context-reset: Setting a task-local value gives a token; resetting to it brings the earlier
 * value back.
 */
#include "support/scenario.h"

static weft_context_var *var;

static weft_context_token *set(const char *text)
{
    weft_context_token *token;

    MUST(weft_context_var_set(var, weft_value_ptr((void *)text, NULL), &token));
    return token;
}

static const char *get(void)
{
    weft_value value;

    MUST(weft_context_var_get(var, &value));
    return text_of(value);
}

static int story(void *arg)
{
    (void)arg;
    weft_context_token *first = set("one");
    weft_context_token *second = set("two");

    trace("%s", get());
    MUST(weft_context_var_reset(var, second));
    trace("%s", get());
    MUST(weft_context_var_reset(var, first));
    trace("%s", get());
    int r = weft_context_var_reset(var, first);
    if (r < 0) {
        trace("used token: %s", err(r));
    }
    weft_context_token_destroy(first);
    weft_context_token_destroy(second);
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create_with("var", weft_value_ptr("default", NULL)));
    int status = scenario_main(story);
    weft_context_var_unref(var);
    return status;
}
