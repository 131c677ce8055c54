#ifndef WEFT_SCENARIO_FLAGS_H
#define WEFT_SCENARIO_FLAGS_H

/*
 * flags.h: Python's threading.Event and time.sleep.
 */

#include "weft/time.h"

/** Python's threading.Event: a flag that threads block on. */
struct flag;
struct flag *flag_create(void);
void flag_destroy(struct flag *flag);
void flag_set(struct flag *flag);
int flag_is_set(struct flag *flag);
void flag_wait(struct flag *flag);
/** flag_wait as a job of an executor. */
int wait_for_flag(void *flag);
/** flag_set as a callback. */
int set_flag(void *flag);
/** time.sleep, which blocks the thread. */
void block_for(weft_duration duration);

#endif
