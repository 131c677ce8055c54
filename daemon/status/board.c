/*
 * The memory of the board: making it, mapping it, and what its writers do.
 *
 * It is large on paper, 1 MiB for each generation there may be, and small in fact: pages that
 * nobody wrote do not exist, and those of a slot that is given back are given back too.
 *
 * Thread: see board.h.
 */
#include "status/board_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct board_loop) % sizeof(uint64_t) == 0, "it is copied by words");
_Static_assert(sizeof(struct board_executor) % sizeof(uint64_t) == 0, "it is copied by words");
_Static_assert(sizeof(struct board_server) % sizeof(uint64_t) == 0, "it is copied by words");
_Static_assert(sizeof(struct board_worker) % sizeof(uint64_t) == 0, "it is copied by words");
_Static_assert(sizeof(struct board_supervisor) % sizeof(uint64_t) == 0, "it is copied by words");

static size_t round_up(size_t size)
{
    return (size + BOARD_PAGE - 1) / BOARD_PAGE * BOARD_PAGE;
}

static size_t slot_size(void)
{
    return round_up(sizeof(struct board_slot));
}

static size_t head_size(void)
{
    return round_up(sizeof(struct board_head));
}

static size_t slot_offset(int slot)
{
    return head_size() + (size_t)slot * slot_size();
}

static size_t board_size(void)
{
    return slot_offset(BOARD_N_SLOTS);
}

const struct board_slot *board_get_slot(const struct board *board, int slot)
{
    return (const void *)((const char *)board->head + slot_offset(slot));
}

static struct board_slot *get_slot(struct board *board, int slot)
{
    return (void *)((char *)board->head + slot_offset(slot));
}

/* ---- words ---------------------------------------------------------------- */

void board_store(void *to, const void *from, size_t size)
{
    uint64_t *words = to;
    const uint64_t *values = from;

    for (size_t i = 0; i < size / sizeof *words; i++) {
        __atomic_store_n(&words[i], values[i], __ATOMIC_RELAXED);
    }
}

void board_load(void *to, const void *from, size_t size)
{
    uint64_t *values = to;
    const uint64_t *words = from;

    for (size_t i = 0; i < size / sizeof *values; i++) {
        values[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
    }
}

/* ---- making and mapping ---------------------------------------------------- */

static int make_memory(void)
{
    int fd = memfd_create("weft-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return -errno;
    }
    /* A worker that cut it short would be the death of who reads it. */
    if (ftruncate(fd, (off_t)board_size()) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int map_board(int fd, int protection, struct board **out_board)
{
    struct stat status;
    struct board *board;

    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if ((size_t)status.st_size != board_size()) {
        return -EPROTO;
    }
    board = calloc(1, sizeof *board);
    if (board == NULL) {
        return -ENOMEM;
    }
    board->fd = -1;
    board->head = mmap(NULL, board_size(), protection, MAP_SHARED, fd, 0);
    if (board->head == MAP_FAILED) {
        int rc = -errno;
        free(board);
        return rc;
    }
    *out_board = board;
    return 0;
}

int board_create(struct board **out_board)
{
    int fd = make_memory();

    if (fd < 0) {
        return fd;
    }
    int rc = map_board(fd, PROT_READ | PROT_WRITE, out_board);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    (*out_board)->fd = fd;
    (*out_board)->head->version = BOARD_VERSION;
    (*out_board)->head->magic = BOARD_MAGIC;
    return 0;
}

void board_destroy(struct board *board)
{
    if (board == NULL) {
        return;
    }
    munmap(board->head, board_size());
    if (board->fd >= 0) {
        close(board->fd);
    }
    free(board);
}

int board_map(int fd, const struct board **out_board)
{
    struct board *board = NULL;
    int rc = map_board(fd, PROT_READ, &board);

    if (rc != 0) {
        return rc;
    }
    if (board->head->magic != BOARD_MAGIC || board->head->version != BOARD_VERSION) {
        board_destroy(board);
        return -EPROTO;
    }
    *out_board = board;
    return 0;
}

void board_unmap(const struct board *board)
{
    board_destroy((struct board *)board);
}

int board_get_fd(const struct board *board)
{
    return board->fd;
}

int board_open_reader(const struct board *board)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", board->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int board_map_slot(int fd, int slot, struct board_slot **out_slot)
{
    struct stat status;

    if (slot <= BOARD_RETIRED || slot >= BOARD_N_SLOTS || fstat(fd, &status) != 0 ||
        (size_t)status.st_size != board_size()) {
        return -EINVAL;
    }
    void *memory =
        mmap(NULL, slot_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)slot_offset(slot));
    if (memory == MAP_FAILED) {
        return -errno;
    }
    *out_slot = memory;
    return 0;
}

void board_unmap_slot(struct board_slot *slot)
{
    if (slot != NULL) {
        munmap(slot, slot_size());
    }
}

/* ---- the supervisor's writing ------------------------------------------------ */

/* Odd while it writes: whoever reads tries again. */
static void begin_write(struct board_head *head)
{
    __atomic_store_n(&head->sequence, head->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); /* pairs with the fence in board_take */
}

static void end_write(struct board_head *head)
{
    /* Pairs with the first load in board_take. */
    __atomic_store_n(&head->sequence, head->sequence + 1, __ATOMIC_RELEASE);
}

void board_set_supervisor(struct board *board, const struct board_supervisor *supervisor)
{
    begin_write(board->head);
    board_store(&board->head->supervisor, supervisor, sizeof *supervisor);
    end_write(board->head);
}

/* The pages go back to the system; they read as zeros from then on. */
static void clear_slot(struct board *board, int slot)
{
    if (fallocate(board->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)slot_offset(slot),
                  (off_t)slot_size()) != 0) {
        memset(get_slot(board, slot), 0, sizeof(struct board_slot));
    }
}

int board_claim(struct board *board)
{
    for (int i = BOARD_RETIRED + 1; i < BOARD_N_SLOTS; i++) {
        if (!board->is_claimed[i]) {
            board->is_claimed[i] = true;
            return i;
        }
    }
    return BOARD_NO_SLOT;
}

/* A copy of the slots of the retired and of <slot> is added up, and written back. */
void board_retire(struct board *board, int slot)
{
    struct board_sum sum = { 0 };

    if (slot <= BOARD_RETIRED || slot >= BOARD_N_SLOTS || !board->is_claimed[slot]) {
        return;
    }
    int rc = board_sum_add(&sum, board_get_slot(board, BOARD_RETIRED), /* is_alive = */ false);
    if (rc == 0) {
        rc = board_sum_add(&sum, board_get_slot(board, slot), /* is_alive = */ false);
    }
    begin_write(board->head);
    if (rc == 0) { /* without memory its figures are lost */
        board_sum_store(&sum, get_slot(board, BOARD_RETIRED));
    }
    clear_slot(board, slot);
    end_write(board->head);
    board_sum_fini(&sum);
    board->is_claimed[slot] = false;
}
