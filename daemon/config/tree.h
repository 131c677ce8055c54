/*
 * The tree: what a YAML file says, each value with its place, before anything is known of its
 * meaning.
 *
 *      mapping --first--> key --next--> key --next--> NULL
 *                          |--value--> scalar, sequence or mapping
 *      sequence --first--> element --next--> element
 *
 * It is a subset of YAML: one document; no anchors, aliases and tags; keys are scalars, each
 * once. So it is a tree indeed, and as large as the file. Depth and number of nodes are bounded.
 */
#ifndef WEFT_DAEMON_CONFIG_TREE_H
#define WEFT_DAEMON_CONFIG_TREE_H

#include "config/arena.h"
#include "config/config.h"
#include "config/source.h"

/* Nodes of all files together. JSON of our own holds every default and may be larger. */
enum {
    CONFIG_TREE_DEPTH = 32,
    CONFIG_TREE_NODES = 50000,
    CONFIG_TREE_JSON_NODES = 1000000
};

enum config_node_kind {
    CONFIG_NODE_SCALAR,
    CONFIG_NODE_SEQUENCE,
    CONFIG_NODE_MAPPING
};

struct config_node {
    enum config_node_kind kind;
    bool is_plain;   /* a scalar without quotes */
    bool is_literal; /* a scalar in single quotes: nothing is expanded in it */
    bool is_known;   /* a key that the schema knows */
    bool is_bad;     /* somebody has complained about it already */
    struct config_place place;
    const char *text; /* of a scalar or key; ends with a NUL */
    size_t length;
    struct config_node *value; /* of a key */
    struct config_node *first; /* of a mapping or sequence */
    struct config_node *last;
    struct config_node *next;
    struct config_node *parent;
    size_t count; /* elements or keys */
};

/**
 * Parse <source> into at most *budget nodes, which are taken from it.
 *
 * *out_root is NULL for an empty document. Complaints that leave a tree behind (a key that is
 * given twice, an alias) mark the node as bad; binding can go on to find the rest.
 *
 * Errors:  -EINVAL when there is no tree; -ENOMEM.
 */
int config_tree_parse(const struct config_source *source, size_t *budget,
                      struct config_arena *arena, struct config_errors *errors,
                      struct config_node **out_root);

/** The key <name> of a mapping, or NULL. <mapping> may be NULL or of any kind. */
struct config_node *config_tree_key(const struct config_node *mapping, const char *name,
                                    size_t length);

/** The key that <path> ("listeners.web.address") leads to, else the last one on the way. */
struct config_node *config_tree_find(const struct config_node *root, const char *path,
                                     bool *out_is_whole);

/** What a value without text is: `key:` and nothing behind. */
bool config_node_is_empty(const struct config_node *node);

/** "a list", "a section", "a single value". */
const char *config_node_kind_name(const struct config_node *node);

#endif
