/*
 * From libyaml's events to the tree.
 *
 * Events are taken instead of libyaml's documents: those keep aliases as references, so that a
 * file of a few lines can be a cycle or grow without bound, and they do not notice a key that is
 * given twice. Here an alias is refused where it stands, and the walk needs no recursion: the
 * stack is the chain of parents.
 *
 * Time is linear in the file but for the check for duplicate keys, which sorts.
 */
#include "config/tree.h"

#include "config/complain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    const struct config_source *source;
    struct config_arena *arena;
    struct config_errors *errors;
    struct config_node *root;
    struct config_node *open; /* the innermost mapping or sequence */
    struct config_node *key;  /* of an open mapping: it waits for its value */
    size_t depth;
    size_t budget; /* nodes that may still be made */
    size_t n_documents;
    int result; /* not 0: stop */
};

/* ------------------------------------------------------------------------------- places */

static struct config_place place_between(const struct config_source *source,
                                         const yaml_mark_t *start, const yaml_mark_t *end)
{
    struct config_place place = {
        .source = source,
        .line = (uint32_t)start->line + 1,
        .column = (uint32_t)start->column + 1,
        .length = 1,
    };

    if (end->line > start->line) {
        place.length = UINT32_MAX;
    } else if (end->column > start->column) {
        place.length = (uint32_t)(end->column - start->column);
    }
    return place;
}

static struct config_place place_at(const struct config_source *source, const yaml_mark_t *mark)
{
    return place_between(source, mark, mark);
}

/* ------------------------------------------------------------------------- syntax errors */

/* Hang a note on columns [first, last) of the line at <place>. Both count bytes: it is a hint. */
static void hint(struct builder *builder, struct config_diagnostic *on,
                 const struct config_place *place, size_t first, size_t last, const char *message)
{
    struct config_place at = *place;

    at.column = (uint32_t)first + 1;
    at.length = (uint32_t)(last - first);
    config_complain_note(builder->errors, on, &at, "%s", message);
}

/* libyaml is right but terse about three mistakes that everybody makes once. */
static void hint_at_syntax(struct builder *builder, struct config_diagnostic *on,
                           const struct config_place *place)
{
    size_t length;
    const char *line = config_source_line(builder->source, place->line, &length);
    size_t blank = 0;

    while (blank < length && (line[blank] == ' ' || line[blank] == '\t')) {
        blank++;
    }
    const char *tab = memchr(line, '\t', blank);
    const char *bracket = memmem(line, length, ": [", 3);
    const char *close = memmem(line, length, "]:", 2);
    const char *variable = memmem(line, length, ": ${", 4);
    if (tab != NULL) {
        size_t at = (size_t)(tab - line);
        hint(builder, on, place, at, at + 1, "this is a tab; YAML is indented with spaces only");
    } else if (bracket != NULL && close != NULL && close > bracket) {
        hint(builder, on, place, (size_t)(bracket - line) + 2, (size_t)(close - line) + 1,
             "an address that begins with [ must stand in quotes");
    } else if (variable != NULL) {
        size_t at = (size_t)(variable - line) + 2;
        hint(builder, on, place, at, at + 2, "between { } or [ ] a ${NAME} must stand in quotes");
    }
}

static void fail_syntax(struct builder *builder, const yaml_parser_t *parser)
{
    struct config_place place = place_at(builder->source, &parser->problem_mark);

    builder->result = -EINVAL;
    if (parser->error == YAML_MEMORY_ERROR) {
        builder->arena->failed = true;
        builder->result = -ENOMEM;
        return;
    }
    if (parser->problem == NULL || parser->error == YAML_READER_ERROR) {
        place = (struct config_place){ .source = builder->source };
        (void)config_complain(builder->errors, CONFIG_ERROR, &place, "this is not YAML: %s",
                              parser->problem == NULL ? "unknown problem" : parser->problem);
        return;
    }

    const char *context = parser->context == NULL ? "" : parser->context;
    struct config_diagnostic *on =
        config_complain(builder->errors, CONFIG_ERROR, &place, "%s%s%s", parser->problem,
                        context[0] == '\0' ? "" : " ", context);
    if (context[0] != '\0' && parser->context_mark.line != parser->problem_mark.line) {
        struct config_place began = place_at(builder->source, &parser->context_mark);
        config_complain_note(builder->errors, on, &began, "it began here");
    }
    hint_at_syntax(builder, on, &place);
}

/* ------------------------------------------------------------------------------ building */

static void refuse(struct builder *builder, const struct config_place *place, const char *message)
{
    (void)config_complain(builder->errors, CONFIG_ERROR, place, "%s", message);
    builder->result = -EINVAL;
}

static struct config_node *make_node(struct builder *builder, enum config_node_kind kind,
                                     const yaml_event_t *event)
{
    struct config_place place =
        place_between(builder->source, &event->start_mark, &event->end_mark);

    if (builder->budget == 0) {
        refuse(builder, &place, "there are too many values");
        return NULL;
    }
    struct config_node *node = config_arena_alloc(builder->arena, sizeof *node);
    if (node == NULL) {
        builder->result = -ENOMEM;
        return NULL;
    }
    builder->budget--;
    node->kind = kind;
    node->place = place;
    node->text = "";
    return node;
}

static void append(struct config_node *parent, struct config_node *child)
{
    child->parent = parent;
    if (parent->last == NULL) {
        parent->first = child;
    } else {
        parent->last->next = child;
    }
    parent->last = child;
    parent->count++;
}

/* Put a finished or just opened node where it belongs. */
static void place_node(struct builder *builder, struct config_node *node)
{
    struct config_node *open = builder->open;

    if (open == NULL) {
        builder->root = node;
        return;
    }
    if (open->kind == CONFIG_NODE_SEQUENCE) {
        append(open, node);
        return;
    }
    if (builder->key != NULL) {
        builder->key->value = node;
        node->parent = open;
        builder->key = NULL;
        return;
    }
    append(open, node);
    builder->key = node;
}

static void refuse_anchor(struct builder *builder, struct config_node *node, const char *anchor)
{
    if (anchor != NULL) {
        (void)config_complain(builder->errors, CONFIG_ERROR, &node->place,
                              "anchors are not supported here: '&%.64s'", anchor);
        node->is_bad = true;
    }
}

static void refuse_tag(struct builder *builder, struct config_node *node, const char *tag)
{
    if (tag != NULL) {
        (void)config_complain(builder->errors, CONFIG_ERROR, &node->place,
                              "tags are not supported here: '%.64s'", tag);
        node->is_bad = true;
    }
}

static void on_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct config_node *node = make_node(builder, CONFIG_NODE_SCALAR, event);
    if (node == NULL) {
        return;
    }

    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->is_literal = event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE;
    node->text = config_arena_copy(builder->arena, text, length);
    node->length = length;
    if (node->text == NULL) {
        builder->result = -ENOMEM;
        return;
    }
    refuse_anchor(builder, node, (const char *)event->data.scalar.anchor);
    refuse_tag(builder, node, (const char *)event->data.scalar.tag);
    if (memchr(text, '\0', length) != NULL) {
        (void)config_complain(builder->errors, CONFIG_ERROR, &node->place,
                              "a value cannot hold a zero byte");
        node->is_bad = true;
    }
    place_node(builder, node);
}

/* An alias stands for a value that somebody has complained about. */
static void on_alias(struct builder *builder, const yaml_event_t *event)
{
    struct config_node *node = make_node(builder, CONFIG_NODE_SCALAR, event);
    if (node == NULL) {
        return;
    }
    (void)config_complain(builder->errors, CONFIG_ERROR, &node->place,
                          "aliases are not supported here: '*%.64s'; write the value again",
                          (const char *)event->data.alias.anchor);
    node->is_bad = true;
    place_node(builder, node);
}

static void on_open(struct builder *builder, const yaml_event_t *event)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    struct config_node *node =
        make_node(builder, is_mapping ? CONFIG_NODE_MAPPING : CONFIG_NODE_SEQUENCE, event);
    if (node == NULL) {
        return;
    }
    if (++builder->depth > CONFIG_TREE_DEPTH) {
        refuse(builder, &node->place, "the file is nested deeper than 32 levels");
        return;
    }
    if (builder->open != NULL && builder->open->kind == CONFIG_NODE_MAPPING &&
        builder->key == NULL) {
        refuse(builder, &node->place,
               is_mapping ? "a section cannot be a key" : "a list cannot be a key");
        return;
    }
    if (is_mapping) {
        refuse_anchor(builder, node, (const char *)event->data.mapping_start.anchor);
        refuse_tag(builder, node, (const char *)event->data.mapping_start.tag);
    } else {
        refuse_anchor(builder, node, (const char *)event->data.sequence_start.anchor);
        refuse_tag(builder, node, (const char *)event->data.sequence_start.tag);
    }
    place_node(builder, node);
    builder->open = node;
    builder->key = NULL;
}

/* ------------------------------------------------------------------------ duplicate keys */

/* What is sorted instead of the list itself. */
struct key_reference {
    struct config_node *key;
};

static int compare_keys(const void *left, const void *right)
{
    const struct config_node *a = ((const struct key_reference *)left)->key;
    const struct config_node *b = ((const struct key_reference *)right)->key;

    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    int order = memcmp(a->text, b->text, a->length);
    if (order != 0) {
        return order;
    }
    if (a->place.line != b->place.line) {
        return a->place.line < b->place.line ? -1 : 1;
    }
    return a->place.column < b->place.column ? -1 : a->place.column > b->place.column;
}

static bool is_same_key(const struct config_node *a, const struct config_node *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void find_duplicates(struct builder *builder, const struct config_node *mapping)
{
    if (mapping->count < 2) {
        return;
    }
    struct key_reference *keys = malloc(mapping->count * sizeof *keys);
    if (keys == NULL) {
        builder->arena->failed = true;
        builder->result = -ENOMEM;
        return;
    }
    size_t count = 0;
    for (struct config_node *key = mapping->first; key != NULL; key = key->next) {
        if (!key->is_bad) {
            keys[count++].key = key;
        }
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        if (!is_same_key(keys[first].key, keys[i].key)) {
            first = i;
            continue;
        }
        struct config_diagnostic *on =
            config_complain(builder->errors, CONFIG_ERROR, &keys[i].key->place,
                            "the key '%.64s' is given twice", keys[i].key->text);
        config_complain_note(builder->errors, on, &keys[first].key->place,
                             "it was first given here");
        keys[i].key->is_bad = true;
    }
    free(keys);
}

static void on_close(struct builder *builder)
{
    /* libyaml's events are balanced; this is for who cannot know. */
    if (builder->open == NULL) {
        return;
    }
    if (builder->open->kind == CONFIG_NODE_MAPPING) {
        find_duplicates(builder, builder->open);
    }
    builder->open = builder->open->parent;
    builder->key = NULL;
    builder->depth--;
}

static void on_document(struct builder *builder, const yaml_event_t *event)
{
    if (++builder->n_documents > 1) {
        struct config_place place =
            place_between(builder->source, &event->start_mark, &event->end_mark);
        refuse(builder, &place, "a second document begins here; a config file holds one");
    }
}

static void on_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        on_document(builder, event);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(builder, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(builder, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        on_open(builder, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(builder);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

int config_tree_parse(const struct config_source *source, size_t *budget,
                      struct config_arena *arena, struct config_errors *errors,
                      struct config_node **out_root)
{
    struct builder builder = {
        .source = source, .budget = *budget, .arena = arena, .errors = errors
    };
    yaml_parser_t parser;

    if (yaml_parser_initialize(&parser) == 0) {
        arena->failed = true;
        return -ENOMEM;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->length);
    bool is_at_end = false;
    while (!is_at_end && builder.result == 0) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            fail_syntax(&builder, &parser);
            break;
        }
        on_event(&builder, &event);
        is_at_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    *budget = builder.budget;
    if (builder.result == 0) {
        *out_root = builder.root;
    }
    return builder.result;
}

/* ------------------------------------------------------------------------------- look-up */

struct config_node *config_tree_key(const struct config_node *mapping, const char *name,
                                    size_t length)
{
    if (mapping == NULL || mapping->kind != CONFIG_NODE_MAPPING) {
        return NULL;
    }
    for (struct config_node *key = mapping->first; key != NULL; key = key->next) {
        if (key->length == length && memcmp(key->text, name, length) == 0) {
            return key;
        }
    }
    return NULL;
}

struct config_node *config_tree_find(const struct config_node *root, const char *path,
                                     bool *out_is_whole)
{
    const struct config_node *mapping = root;
    struct config_node *found = NULL;

    while (*path != '\0') {
        size_t length = strcspn(path, ".");
        struct config_node *key = config_tree_key(mapping, path, length);
        if (key == NULL) {
            break;
        }
        found = key;
        mapping = key->value;
        path += length;
        path += *path == '.';
    }
    *out_is_whole = *path == '\0' && found != NULL;
    return found;
}

bool config_node_is_empty(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_SCALAR && node->is_plain && node->length == 0;
}

const char *config_node_kind_name(const struct config_node *node)
{
    switch (node->kind) {
    case CONFIG_NODE_SEQUENCE:
        return "a list";
    case CONFIG_NODE_MAPPING:
        return "a section";
    case CONFIG_NODE_SCALAR:
        break;
    }
    return "a single value";
}
