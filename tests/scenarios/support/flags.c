/*
 * A flag that threads block on: mutex and condition variable.
 */

#include "flags.h"

#include "trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct flag {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    int is_set; /* guarded by mu */
};

struct flag *flag_create(void)
{
    struct flag *flag = MUST_HAVE(calloc(1, sizeof *flag));

    pthread_mutex_init(&flag->mu, NULL);
    pthread_cond_init(&flag->changed, NULL);
    return flag;
}

void flag_destroy(struct flag *flag)
{
    pthread_cond_destroy(&flag->changed);
    pthread_mutex_destroy(&flag->mu);
    free(flag);
}

void flag_set(struct flag *flag)
{
    pthread_mutex_lock(&flag->mu);
    flag->is_set = 1;
    pthread_cond_broadcast(&flag->changed);
    pthread_mutex_unlock(&flag->mu);
}

int flag_is_set(struct flag *flag)
{
    pthread_mutex_lock(&flag->mu);
    int is_set = flag->is_set;
    pthread_mutex_unlock(&flag->mu);
    return is_set;
}

void flag_wait(struct flag *flag)
{
    pthread_mutex_lock(&flag->mu);
    while (!flag->is_set) {
        pthread_cond_wait(&flag->changed, &flag->mu);
    }
    pthread_mutex_unlock(&flag->mu);
}

int wait_for_flag(void *flag)
{
    flag_wait(flag);
    return 0;
}

int set_flag(void *flag)
{
    flag_set(flag);
    return 0;
}

void block_for(weft_duration duration)
{
    struct timespec left = { duration / WEFT_S(1), duration % WEFT_S(1) };

    while (nanosleep(&left, &left) != 0) {
    }
}
