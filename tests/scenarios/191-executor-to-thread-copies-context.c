/*
 * 191-executor-to-thread-copies-context: to_thread carries the caller's task-local values into the
 * thread; changes made there do not come back.
 */
#include "support/scenario.h"

static weft_context_var *var;

static int work(void *arg)
{
    weft_value seen;
    (void)arg;

    WEFT_TRY(weft_context_var_get(var, &seen));
    MUST(weft_context_var_set(var, weft_value_ptr("changed in thread", NULL), NULL));
    return weft_return(seen);
}

static int story(void *arg)
{
    weft_value value;
    (void)arg;

    MUST(weft_context_var_set(var, weft_value_ptr("from task", NULL), NULL));
    WEFT_TRY(weft_to_thread(work, NULL, &value));
    trace("thread sees: %s", text_of(value));
    MUST(weft_context_var_get(var, &value));
    trace("task still has: %s", text_of(value));
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create("var"));
    int status = scenario_main_real(story);
    weft_context_var_unref(var);
    return status;
}
