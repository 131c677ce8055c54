/*
 * 264-context-direct-call-shares: A coroutine called directly shares its caller's task-local
 * values: changes are seen.
 */
#include "support/scenario.h"

static weft_context_var *var;

static void set(const char *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr((void *)text, NULL), NULL));
}

static const char *get(void)
{
    weft_value value;

    MUST(weft_context_var_get(var, &value));
    return text_of(value);
}

static int helper(void *arg)
{
    (void)arg;
    set("set by helper");
    return weft_sleep(0);
}

static int story(void *arg)
{
    (void)arg;
    set("main");
    WEFT_TRY(helper(NULL));
    trace("%s", get());
    WEFT_TRY(join(spawn(helper, NULL), NULL));
    set("main again");
    WEFT_TRY(join(spawn(helper, NULL), NULL));
    trace("%s", get());
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create("var"));
    int status = scenario_main(story);
    weft_context_var_unref(var);
    return status;
}
