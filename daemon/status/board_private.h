#ifndef WEFT_DAEMON_STATUS_BOARD_PRIVATE_H
#define WEFT_DAEMON_STATUS_BOARD_PRIVATE_H

/*
 * The inside of the board, for its two files: board.c has the memory, board_sum.c
 * adds slots up.
 */

#include "status/board.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOARD_MAGIC UINT64_C(0x6472616f62746677)

enum {
    BOARD_VERSION = 1,
    BOARD_PAGE = 64 * 1024 /* whatever the machine's page is, it divides this */
};

/* The first bytes of the memory; the slots follow. */
struct board_head {
    uint64_t magic;
    uint64_t version;
    uint64_t sequence; /* atomic: odd while the supervisor writes */
    struct board_supervisor supervisor;
};

struct board {
    struct board_head *head; /* mapped */
    int fd;                  /* owned; -1 in a reader */
    bool is_claimed[BOARD_N_SLOTS];
};

const struct board_slot *board_get_slot(const struct board *board, int slot);

/* Slots, added up by the number of a loop and the names of the rest. */
struct board_sum {
    struct board_loop *loops;
    size_t n_loops;
    struct board_executor *executors;
    size_t n_executors;
    struct board_server *servers;
    size_t n_servers;
    uint64_t cpu;
    uint64_t resident;
};

/* Gauges count only while the worker <is_alive>. Errors: -ENOMEM. */
int board_sum_add(struct board_sum *sum, const struct board_slot *slot, bool is_alive);
void board_sum_store(const struct board_sum *sum, struct board_slot *slot);
void board_sum_fini(struct board_sum *sum);

#ifdef __cplusplus
}
#endif

#endif
