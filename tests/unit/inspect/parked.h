#ifndef PARKED_H
#define PARKED_H

/* Functions whose stacks are looked at. In C, so that their names are what they are called. */

#include "coro/fiber.h"

struct parked {
    struct wf_fiber fiber;
    struct wf_fiber *home; /* who is switched to */
    struct wf_stack_pool *pool;
    int is_over;
};

/* Suspended in level3 <- level2 <- level1 <- parked_body. */
int parked_start_deep(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool);
/* Suspended in a comparison that qsort calls. */
int parked_start_in_qsort(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool);
/* Suspended in a function that is inlined into another, twice. */
int parked_start_inlined(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool);
/* Suspended in a function called by <call>, which calls back. */
int parked_start_by(struct parked *parked, struct wf_fiber *home, struct wf_stack_pool *pool,
                    void (*call)(void (*back)(void *), void *data));
/* Read one byte, in read_byte <- read_twice <- parked_read. */
void parked_read(int fd);
/* Spin until *stop, in spin_inside <- parked_spin. */
void parked_spin(int *stop);
/* For parked_start_by: it spins until *stop, on the fiber, and then calls back. */
void (*parked_spin_by(int *stop))(void (*back)(void *), void *data);
/* The return addresses in capture_here <- parked_capture <- the caller. */
int parked_capture(void **pcs, int max);
/* Let it run to its end and give its stack back. */
void parked_finish(struct parked *parked);

/* Lines that the tests expect. */
extern const int parked_line_of_switch;
extern const int parked_line_of_level1;
extern const int parked_line_of_inlined;

#endif
