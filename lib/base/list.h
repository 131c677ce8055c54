#ifndef WF_BASE_LIST_H
#define WF_BASE_LIST_H

/*
 * An intrusive, circular, doubly linked list. The node lives in the object, so
 * adding and removing cannot fail. A node outside any list points to itself.
 */

#include <stdbool.h>
#include <stddef.h>

struct wf_list {
    struct wf_list *next;
    struct wf_list *prev;
};

#define WF_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void wf_list_init(struct wf_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool wf_list_is_empty(const struct wf_list *list)
{
    return list->next == list;
}

/* For a node: is it in a list? */
static inline bool wf_list_is_linked(const struct wf_list *node)
{
    return node->next != node;
}

static inline void wf_list_append(struct wf_list *list, struct wf_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void wf_list_prepend(struct wf_list *list, struct wf_list *node)
{
    node->next = list->next;
    node->prev = list;
    list->next->prev = node;
    list->next = node;
}

static inline void wf_list_remove(struct wf_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    wf_list_init(node);
}

/* The first node, removed; NULL when the list is empty. */
static inline struct wf_list *wf_list_take_first(struct wf_list *list)
{
    struct wf_list *node = list->next;

    if (node == list) {
        return NULL;
    }
    wf_list_remove(node);
    return node;
}

/* Move all nodes of <from> to the end of <to>. */
static inline void wf_list_splice(struct wf_list *to, struct wf_list *from)
{
    if (wf_list_is_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    wf_list_init(from);
}

#endif
