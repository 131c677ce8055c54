/*
 * 266-context-explicit-context: A task may be given an existing context to share instead of a copy.
 */
#include "support/scenario.h"

static weft_context_var *var;

static int writer(void *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr(text, NULL), NULL));
    return 0;
}

static int story(void *arg)
{
    weft_context *context = MUST_HAVE(weft_copy_context());
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task *task;
    weft_value value;
    (void)arg;

    options.context = context;
    MUST(weft_loop_create_task(NULL, weft_coro_create(writer, "from writer"), &options, &task));
    WEFT_TRY(join(task, NULL));
    MUST(weft_context_get(context, var, &value));
    trace("in ctx: %s", text_of(value));
    MUST(weft_context_var_get(var, &value));
    trace("in main: %s", text_of(value));
    weft_context_unref(context);
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create_with("var", weft_value_ptr("unset", NULL)));
    int status = scenario_main(story);
    weft_context_var_unref(var);
    return status;
}
