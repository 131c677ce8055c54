/*
 * 262-context-copied-at-creation: A task gets a copy of its creator's task-local values at
 * creation; later changes stay on their own side.
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

static int child(void *arg)
{
    (void)arg;
    trace("child starts with %s", get());
    set("child");
    WEFT_TRY(weft_sleep(0));
    trace("child still has %s", get());
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    set("parent");
    weft_task *task = spawn(child, NULL);
    set("parent later");
    WEFT_TRY(weft_sleep(0));
    trace("parent has %s", get());
    WEFT_TRY(join(task, NULL));
    trace("parent has %s", get());
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create("var"));
    int status = scenario_main(story);
    weft_context_var_unref(var);
    return status;
}
