/*
 * Context variables: immutable maps of shared values.
 *
 *     frame -> map -> entries: (variable, box of the value)
 *     frame -> face of a weft_context -> its map -> ...
 *
 * A map is a sorted array. There are few variables in a program, so a copy of the
 * array at each set is cheaper than any tree; a look-up halves it.
 *
 * Invariant: a map never changes; its entries are sorted by the address of the
 * variable, and it holds a reference to each variable and each box. The face of a
 * weft_context has no count of its own: its references are the object's.
 *
 * Values are destroyed last, when nothing here is half done: their destructors are
 * the user's, and may set variables.
 *
 * Thread: any; see context.h.
 */

#include "base/context.h"

#include "base/alloc.h"
#include "base/log.h"

#include <string.h>

#define VAR_MAGIC     0x77664356u
#define TOKEN_MAGIC   0x7766434bu
#define CONTEXT_MAGIC 0x77664358u
#define DEAD_MAGIC    0x77664364u

struct box {
    uint32_t n_refs; /* atomic */
    weft_value value;
};

struct entry {
    weft_context_var *var; /* ref */
    struct box *box;       /* ref */
};

struct wf_vars {
    uint32_t n_refs;       /* atomic; of a map */
    weft_context *context; /* NULL in a map; in a face: whose it is */
};

struct map {
    struct wf_vars vars; /* first */
    size_t n;
    struct entry entries[];
};

struct weft_context_var {
    uint32_t magic;
    uint32_t n_refs; /* atomic */
    char *name;      /* owned */
    struct box *box; /* ref: of the default; NULL: none */
};

struct weft_context_token {
    uint32_t magic;
    bool is_used;
    weft_context_var *var; /* ref */
    weft_context *context; /* ref */
    struct box *box;       /* ref: of the old value; NULL: it was not set */
};

struct weft_context {
    uint32_t magic;
    uint32_t n_refs;     /* atomic */
    uint32_t is_entered; /* atomic: weft_context_run runs */
    struct map *map;     /* ref; NULL: empty */
    struct wf_vars face;
};

/* ---- counting ----------------------------------------------------------- */

static void count_up(uint32_t *n_refs)
{
    __atomic_fetch_add(n_refs, 1, __ATOMIC_RELAXED);
}

/* True for the last one; what the others did is visible then. */
static bool count_down(uint32_t *n_refs)
{
    return __atomic_fetch_sub(n_refs, 1, __ATOMIC_ACQ_REL) == 1;
}

static struct box *box_create(weft_value value)
{
    struct box *box = wf_alloc(sizeof *box);

    if (box != NULL) {
        *box = (struct box){ 1, value };
    }
    return box;
}

static struct box *box_ref(struct box *box)
{
    if (box != NULL) {
        count_up(&box->n_refs);
    }
    return box;
}

static void box_unref(struct box *box)
{
    if (box != NULL && count_down(&box->n_refs)) {
        weft_value value = box->value;
        wf_free(box);
        weft_value_clear(&value);
    }
}

/* Free a box whose value stays the caller's. */
static void box_give_up(struct box *box)
{
    wf_free(box);
}

static weft_value borrow(const struct box *box)
{
    weft_value value = box->value;

    value.destroy = NULL;
    return value;
}

/* ---- maps --------------------------------------------------------------- */

static void map_unref(struct map *map)
{
    if (map == NULL || !count_down(&map->vars.n_refs)) {
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        box_unref(map->entries[i].box);
        (void)weft_context_var_unref(map->entries[i].var); /* always NULL */
    }
    wf_free(map);
}

static struct map *map_of(const struct wf_vars *vars)
{
    if (vars == NULL) {
        return NULL;
    }
    return vars->context != NULL ? vars->context->map : (struct map *)(void *)vars;
}

/* Where <var> stands, or would stand. */
static size_t find(const struct map *map, const weft_context_var *var)
{
    size_t low = 0;
    size_t high = map != NULL ? map->n : 0;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)map->entries[middle].var < (uintptr_t)var) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct box *look_up(const struct map *map, const weft_context_var *var)
{
    size_t i = find(map, var);

    return map != NULL && i < map->n && map->entries[i].var == var ? map->entries[i].box : NULL;
}

static void add_entry(struct map *map, weft_context_var *var, struct box *box)
{
    map->entries[map->n++] = (struct entry){ weft_context_var_ref(var), box_ref(box) };
}

/* <map> with <box> for <var>, NULL: without <var>. A new map with one reference; no memory: NULL.
 */
static struct map *map_with(const struct map *map, weft_context_var *var, struct box *box)
{
    size_t n = map != NULL ? map->n : 0;
    size_t place = find(map, var);
    struct map *new_map = wf_alloc(sizeof *new_map + (n + 1) * sizeof new_map->entries[0]);

    if (new_map == NULL) {
        return NULL;
    }
    new_map->vars = (struct wf_vars){ 1, NULL };
    new_map->n = 0;
    for (size_t i = 0; i < place && i < n; i++) {
        add_entry(new_map, map->entries[i].var, map->entries[i].box);
    }
    if (box != NULL) {
        add_entry(new_map, var, box);
    }
    for (size_t i = place; i < n; i++) {
        if (map->entries[i].var != var) {
            add_entry(new_map, map->entries[i].var, map->entries[i].box);
        }
    }
    return new_map;
}

/* ---- what frames hold ---------------------------------------------------- */

struct wf_vars *wf_vars_ref(struct wf_vars *vars)
{
    if (vars != NULL) {
        count_up(vars->context != NULL ? &vars->context->n_refs : &vars->n_refs);
    }
    return vars;
}

void wf_vars_drop(struct wf_vars *vars)
{
    if (vars == NULL) {
        return;
    }
    if (vars->context != NULL) {
        (void)weft_context_unref(vars->context); /* always NULL */
    } else {
        map_unref((struct map *)(void *)vars);
    }
}

struct wf_vars *wf_vars_copy_map(struct wf_vars *vars)
{
    struct map *map = map_of(vars);

    return map != NULL ? wf_vars_ref(&map->vars) : NULL;
}

struct wf_vars *wf_vars_of_context(weft_context *context)
{
    return &weft_context_ref(context)->face;
}

/* Takes the reference to <map> on success. */
static weft_context *make_context(struct map *map)
{
    weft_context *context = wf_alloc(sizeof *context);

    if (context == NULL) {
        (void)weft_fail(WEFT_ENOMEM, "no memory for a context"); /* NULL says it */
        return NULL;
    }
    *context = (weft_context){ .magic = CONTEXT_MAGIC, .n_refs = 1, .map = map };
    context->face.context = context;
    return context;
}

weft_context *wf_vars_share(struct wf_vars **slot)
{
    if (*slot != NULL && (*slot)->context != NULL) {
        return weft_context_ref((*slot)->context);
    }
    weft_context *context = make_context(map_of(*slot));
    if (context == NULL) {
        return NULL;
    }
    *slot = &context->face;
    return weft_context_ref(context);
}

/* Let *<slot> have <map> from now on; returns what it had, for the caller to drop. */
static struct map *replace_map(struct wf_vars **slot, struct map *map)
{
    struct map *old = map_of(*slot);

    if (*slot != NULL && (*slot)->context != NULL) {
        (*slot)->context->map = map;
    } else {
        *slot = &map->vars;
    }
    return old;
}

/* ---- variables ---------------------------------------------------------- */

static int check_var(const weft_context_var *var)
{
    if (var != NULL && var->magic == VAR_MAGIC) {
        return 0;
    }
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a context variable is needed",
                     var == NULL ? "NULL" : "an object of another kind");
}

static weft_context_var *make_var(const char *name)
{
    weft_context_var *var = NULL;

    if (name == NULL) {
        (void)weft_fail(WEFT_EINVAL, "a context variable needs a name"); /* NULL says it */
        return NULL;
    }
    var = wf_new(weft_context_var);
    if (var != NULL) {
        var->magic = VAR_MAGIC;
        var->n_refs = 1;
        var->name = wf_strdup(name);
    }
    if (var == NULL || var->name == NULL) {
        wf_free(var);
        (void)weft_fail(WEFT_ENOMEM, "no memory for a context variable"); /* as above */
        return NULL;
    }
    return var;
}

weft_context_var *weft_context_var_create(const char *name)
{
    return make_var(name);
}

weft_context_var *weft_context_var_create_with(const char *name, weft_value value)
{
    weft_context_var *var = make_var(name);

    if (var == NULL) {
        return NULL;
    }
    var->box = box_create(value);
    if (var->box == NULL) {
        (void)weft_fail(WEFT_ENOMEM, "no memory for a context variable"); /* NULL says it */
        return weft_context_var_unref(var);
    }
    return var;
}

weft_context_var *weft_context_var_ref(weft_context_var *var)
{
    if (var != NULL && check_var(var) == 0) {
        count_up(&var->n_refs);
    }
    return var;
}

weft_context_var *weft_context_var_unref(weft_context_var *var)
{
    if (var == NULL || check_var(var) < 0 || !count_down(&var->n_refs)) {
        return NULL;
    }
    struct box *box = var->box;
    var->magic = DEAD_MAGIC;
    wf_free(var->name);
    wf_free(var);
    box_unref(box);
    return NULL;
}

const char *weft_context_var_get_name(const weft_context_var *var)
{
    return check_var(var) == 0 ? var->name : "";
}

int weft_context_var_get(const weft_context_var *var, weft_value *out_value)
{
    int r = check_var(var);

    if (r < 0) {
        return r;
    }
    const struct box *box = look_up(map_of(wf_frame_current()->vars), var);
    if (box == NULL) {
        box = var->box;
    }
    if (box == NULL) {
        return weft_fail(WEFT_ELOOKUP, "context variable '%s' is not set", var->name);
    }
    if (out_value != NULL) {
        *out_value = borrow(box);
    }
    return 0;
}

/* ---- setting and taking back --------------------------------------------- */

/* A token says in which context it was made: that of the running code becomes an object. */
static weft_context_token *make_token(weft_context_var *var, struct wf_frame *frame)
{
    weft_context_token *token = wf_alloc(sizeof *token);
    weft_context *context = token != NULL ? wf_vars_share(&frame->vars) : NULL;

    if (context == NULL) {
        wf_free(token);
        return NULL;
    }
    *token = (weft_context_token){
        .magic = TOKEN_MAGIC,
        .var = weft_context_var_ref(var),
        .context = context,
        .box = box_ref(look_up(context->map, var)),
    };
    return token;
}

int weft_context_var_set(weft_context_var *var, weft_value value, weft_context_token **out_token)
{
    struct wf_frame *frame = wf_frame_current();
    int r = check_var(var);

    if (r < 0) {
        return r;
    }
    struct box *box = box_create(value);
    struct map *map = box != NULL ? map_with(map_of(frame->vars), var, box) : NULL;
    weft_context_token *token = NULL;
    if (map != NULL && out_token != NULL) {
        token = make_token(var, frame);
    }
    if (map == NULL || (out_token != NULL && token == NULL)) {
        if (map != NULL) {
            box->value = weft_value_none(); /* it stays the caller's */
            map_unref(map);
            box_unref(box);
        } else {
            box_give_up(box);
        }
        return weft_fail(WEFT_ENOMEM, "no memory to set context variable '%s'", var->name);
    }
    struct map *old = replace_map(&frame->vars, map);
    box_unref(box); /* the map has its own */
    if (out_token != NULL) {
        *out_token = token;
    }
    map_unref(old);
    return 0;
}

static int check_token(const weft_context_token *token)
{
    if (token != NULL && token->magic == TOKEN_MAGIC) {
        return 0;
    }
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a context token is needed",
                     token == NULL ? "NULL" : "an object of another kind, or one destroyed,");
}

static int refuse_reset(const weft_context_var *var, const weft_context_token *token,
                        const struct wf_frame *frame)
{
    if (token->is_used) {
        return weft_fail(WEFT_ERUNTIME, "the token of '%s' has already been used once",
                         token->var->name);
    }
    if (token->var != var) {
        return weft_fail(WEFT_EINVAL, "the token was created by another context variable, '%s'",
                         token->var->name);
    }
    if (frame->vars == NULL || frame->vars->context != token->context) {
        return weft_fail(WEFT_EINVAL, "the token of '%s' was created in a different context",
                         token->var->name);
    }
    return 0;
}

int weft_context_var_reset(weft_context_var *var, weft_context_token *token)
{
    struct wf_frame *frame = wf_frame_current();
    int r = check_var(var);

    if (r == 0) {
        r = check_token(token);
    }
    if (r == 0) {
        r = refuse_reset(var, token, frame);
    }
    if (r < 0) {
        return r;
    }
    struct map *map = map_with(token->context->map, var, token->box);
    if (map == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory to reset context variable '%s'", var->name);
    }
    token->is_used = true;
    map_unref(replace_map(&frame->vars, map));
    return 0;
}

weft_context_var *weft_context_token_get_var(const weft_context_token *token)
{
    return check_token(token) == 0 ? token->var : NULL;
}

int weft_context_token_get_old_value(const weft_context_token *token, weft_value *out_value)
{
    int r = check_token(token);

    if (r < 0) {
        return r;
    }
    if (token->box == NULL) {
        return weft_fail(WEFT_ELOOKUP, "context variable '%s' was not set before",
                         token->var->name);
    }
    if (out_value != NULL) {
        *out_value = borrow(token->box);
    }
    return 0;
}

void weft_context_token_destroy(weft_context_token *token)
{
    if (token == NULL || check_token(token) < 0) {
        return;
    }
    weft_context_token copy = *token;
    token->magic = DEAD_MAGIC;
    wf_free(token);
    (void)weft_context_unref(copy.context); /* both always NULL */
    (void)weft_context_var_unref(copy.var);
    box_unref(copy.box);
}

/* ---- contexts ----------------------------------------------------------- */

static int check_context(const weft_context *context)
{
    if (context != NULL && context->magic == CONTEXT_MAGIC) {
        return 0;
    }
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a context is needed",
                     context == NULL ? "NULL" : "an object of another kind");
}

int wf_context_check(const weft_context *context)
{
    return context == NULL ? 0 : check_context(context);
}

/* A context of its own with the values of <vars>. */
static weft_context *copy_vars(struct wf_vars *vars)
{
    struct wf_vars *map = wf_vars_copy_map(vars);
    weft_context *context = make_context(map_of(map));

    if (context == NULL) {
        wf_vars_drop(map);
    }
    return context;
}

weft_context *weft_context_create(void)
{
    return make_context(NULL);
}

weft_context *weft_copy_context(void)
{
    return copy_vars(wf_frame_current()->vars);
}

weft_context *weft_context_copy(const weft_context *context)
{
    return check_context(context) == 0 ? copy_vars(&((weft_context *)context)->face) : NULL;
}

weft_context *weft_context_ref(weft_context *context)
{
    if (context != NULL && check_context(context) == 0) {
        count_up(&context->n_refs);
    }
    return context;
}

weft_context *weft_context_unref(weft_context *context)
{
    if (context == NULL || check_context(context) < 0 || !count_down(&context->n_refs)) {
        return NULL;
    }
    struct map *map = context->map;
    context->magic = DEAD_MAGIC;
    wf_free(context);
    map_unref(map);
    return NULL;
}

/* Entered by weft_context_run, or by the running task or callback, which was made to run in it. */
static bool enter(weft_context *context, const struct wf_frame *frame)
{
    if (frame->vars != NULL && frame->vars->context == context) {
        return false;
    }
    return __atomic_exchange_n(&context->is_entered, 1, __ATOMIC_ACQUIRE) == 0;
}

int weft_context_run(weft_context *context, weft_context_fn *fn, void *arg)
{
    struct wf_frame *frame = wf_frame_current();
    int r = check_context(context);

    if (r == 0 && fn == NULL) {
        r = weft_fail(WEFT_EINVAL, "no function to run");
    }
    if (r == 0 && !enter(context, frame)) {
        r = weft_fail(WEFT_ERUNTIME, "cannot enter context: it is already entered");
    }
    if (r < 0) {
        return r;
    }
    struct wf_vars *before = frame->vars;
    frame->vars = wf_vars_of_context(context);
    r = fn(arg);
    struct wf_vars *after = frame->vars;
    frame->vars = before;
    __atomic_store_n(&context->is_entered, 0, __ATOMIC_RELEASE); /* pairs with enter */
    wf_vars_drop(after);
    return r;
}

int weft_context_get(const weft_context *context, const weft_context_var *var,
                     weft_value *out_value)
{
    int r = check_context(context);

    if (r == 0) {
        r = check_var(var);
    }
    if (r < 0) {
        return r;
    }
    const struct box *box = look_up(context->map, var);
    if (box == NULL) {
        return weft_fail(WEFT_ELOOKUP, "context variable '%s' is not set in it", var->name);
    }
    if (out_value != NULL) {
        *out_value = borrow(box);
    }
    return 0;
}

size_t weft_context_get_n(const weft_context *context)
{
    return check_context(context) == 0 && context->map != NULL ? context->map->n : 0;
}

int weft_context_get_item(const weft_context *context, size_t i, weft_context_var **out_var,
                          weft_value *out_value)
{
    int r = check_context(context);

    if (r < 0) {
        return r;
    }
    if (i >= weft_context_get_n(context)) {
        return weft_fail(WEFT_ELOOKUP, "the context has no item %zu", i);
    }
    const struct entry *entry = &context->map->entries[i];
    if (out_var != NULL) {
        *out_var = entry->var;
    }
    if (out_value != NULL) {
        *out_value = borrow(entry->box);
    }
    return 0;
}

/* ---- labels --------------------------------------------------------------- */

enum {
    LABEL_SIZE = 64,
    MAX_LOOKED_THROUGH = 64 /* variables: more are not looked through from outside */
};

/* Static, so that nobody has to make it. Its reference is never given back. */
static weft_context_var label_var = { VAR_MAGIC, 1, (char *)"weft.label", NULL };

int weft_set_label(const char *label)
{
    weft_value value = weft_value_none();

    if (label != NULL) {
        size_t len = strnlen(label, LABEL_SIZE - 1);
        char *copy = wf_alloc(len + 1);
        if (copy == NULL) {
            return weft_fail(WEFT_ENOMEM, "no memory for a label");
        }
        memcpy(copy, label, len);
        copy[len] = '\0';
        value = (weft_value){ .as.ptr = copy, .destroy = wf_free };
    }
    int r = weft_context_var_set(&label_var, value, NULL);
    if (r < 0) {
        weft_value_clear(&value);
    }
    return r;
}

const char *weft_get_label(void)
{
    const struct box *box = look_up(map_of(wf_frame_current()->vars), &label_var);

    return box != NULL ? box->value.as.ptr : NULL;
}

const char *wf_vars_find_label(const struct wf_vars *vars, wf_vars_read_fn *read)
{
    weft_context context;
    struct map map;
    struct entry entries[MAX_LOOKED_THROUGH];
    struct box box;

    if (vars == NULL || !read(vars, &map.vars, sizeof map.vars)) {
        return NULL;
    }
    const struct map *there = (const struct map *)(const void *)vars;
    if (map.vars.context != NULL) {
        if (!read(map.vars.context, &context, sizeof context)) {
            return NULL;
        }
        there = context.map;
    }
    if (there == NULL || !read(there, &map, sizeof map) || map.n > MAX_LOOKED_THROUGH ||
        !read(there->entries, entries, map.n * sizeof entries[0])) {
        return NULL;
    }
    for (size_t i = 0; i < map.n; i++) {
        if (entries[i].var == &label_var && read(entries[i].box, &box, sizeof box)) {
            return box.value.as.ptr;
        }
    }
    return NULL;
}
