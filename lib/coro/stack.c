/*
 * The pool of stacks.
 *
 * A slab is one mapping cut into slots of one size class, each a guard with its
 * stack above:
 *
 *     |guard|  stack 0  |guard|  stack 1  | ...  not carved yet ...
 *           low      high
 *
 * A stack is carved (its guard made) when it is first needed, then moves between
 * three states:
 *
 *     carve --> used <--get/put--> warm (class->warm, last-in first-out)
 *                 ^                  |
 *                 |                trim
 *                 +------get------ cold (slab->cold, pages given back)
 *
 * get looks at warm, then cold, then the uncarved rest, then maps a new slab. A
 * slab with nothing but cold stacks is unmapped, which also gives its page
 * tables and mappings back. The kernel merges neighbouring slabs, and at worst
 * there is one mapping per 1024 stacks while guards cost none.
 *
 * Guards made by mprotect are counted over all pools, and refused when they would
 * use up the process's mappings: the rest is left to malloc, threads and
 * libraries, which fail much less gracefully.
 *
 * Invariant: a slab is on class->open if and only if it has a cold stack or an
 * uncarved slot.
 *
 * Thread: the pool's own; the count of guards is shared.
 */

#include "coro/stack.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; not in glibc 2.36 */
#endif

enum {
    N_CLASSES = 13, /* 16 KiB to 64 MiB */
    SLAB_STACKS_FIRST = 8,
    SLAB_STACKS_MAX = 1024,
    TRIM_BATCH = 1024,
    /* Mappings left to everybody else when guards use them up. */
    RESERVED_MAPPINGS = 2048,
    DEFAULT_MAX_MAPPINGS = 65530
};

#define CLASS_0_SIZE   ((size_t)16 * 1024)
#define DEFAULT_SIZE   ((size_t)64 * 1024)
#define GUARD_SIZE_MIN ((size_t)64 * 1024)
#define SLAB_SIZE_MAX  ((size_t)256 * 1024 * 1024)

struct wf_stack_slab {
    struct wf_list open_node;
    struct wf_list node;
    char *base; /* owned mapping */
    size_t size;
    size_t n_stacks;
    size_t n_carved;
    size_t n_cold;
    size_t n_mprotect_guards;
    struct wf_stack *cold;
    struct wf_stack stacks[];
};

struct stack_class {
    struct wf_stack *warm;
    size_t n_warm;
    size_t n_warm_low;      /* the least n_warm of this period */
    size_t n_idle;          /* set aside by end_period, not given back yet */
    struct wf_stack *spare; /* never touched: made to keep a promise */
    size_t n_spare;
    size_t n_reserved;  /* promises not kept yet; never more than warm and spare ones */
    size_t n_next_slab; /* stacks in the slab that is mapped next */
    struct wf_list slabs;
    struct wf_list open;
};

struct wf_stack_pool {
    struct stack_class classes[N_CLASSES];
    uint32_t default_class;
    bool is_clean;
    enum wf_stack_guard guard;
    size_t page_size;
    size_t guard_size;
    size_t max_map_count;
    size_t n_used;
    size_t n_free;
    size_t n_warm; /* of all classes */
};

/* atomic, relaxed: a count only. Guards made by mprotect, in all pools. */
static atomic_size_t n_mprotect_guards;

/* The setting of the system, or its default. */
static size_t read_max_map_count(void)
{
    char text[32];
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return DEFAULT_MAX_MAPPINGS;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0) {
        return DEFAULT_MAX_MAPPINGS;
    }
    text[n] = '\0';
    return strtoul(text, NULL, 10);
}

static bool kernel_has_guards(size_t page_size)
{
    void *page = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return false;
    }
    bool has = madvise(page, page_size, MADV_GUARD_INSTALL) == 0;
    munmap(page, page_size);
    return has;
}

static enum wf_stack_guard choose_guard(size_t page_size)
{
    const char *wanted = getenv("WEFT_STACK_GUARD");

    if (wanted != NULL && strcmp(wanted, "mprotect") == 0) {
        return WF_STACK_GUARD_MPROTECT;
    }
    return kernel_has_guards(page_size) ? WF_STACK_GUARD_MADVISE : WF_STACK_GUARD_MPROTECT;
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static size_t class_size(const struct wf_stack_pool *pool, uint32_t size_class)
{
    return round_up(CLASS_0_SIZE << size_class, pool->page_size);
}

/* The least class of at least <size> bytes; N_CLASSES when there is none. */
static uint32_t find_class(size_t size)
{
    uint32_t size_class = 0;

    while (size_class < N_CLASSES && (CLASS_0_SIZE << size_class) < size) {
        size_class++;
    }
    return size_class;
}

static int refuse_size(size_t size)
{
    return weft_fail(WEFT_ENOSTACK, "a coroutine stack of %zu bytes; the largest has %zu", size,
                     CLASS_0_SIZE << (N_CLASSES - 1));
}

static int refuse_guard(size_t n_guards, size_t max_map_count)
{
    return weft_fail(WEFT_ENOSTACK,
                     "no more coroutine stacks: %zu are mapped, and vm.max_map_count (%zu) has no "
                     "room for more guards; raise it, or use Linux 6.13 or newer, where a guard "
                     "needs no mapping",
                     n_guards, max_map_count);
}

int wf_stack_pool_create(size_t default_size, struct wf_stack_pool **out_pool)
{
    uint32_t default_class = find_class(default_size == 0 ? DEFAULT_SIZE : default_size);
    if (default_class == N_CLASSES) {
        return refuse_size(default_size);
    }

    struct wf_stack_pool *pool = wf_new(struct wf_stack_pool);
    if (pool == NULL) {
        return WEFT_ENOMEM;
    }
    const char *clean = getenv("WEFT_STACK_CLEAN");
    pool->is_clean = clean != NULL && strcmp(clean, "1") == 0;
    pool->default_class = default_class;
    pool->page_size = (size_t)sysconf(_SC_PAGESIZE);
    pool->guard_size = round_up(GUARD_SIZE_MIN, pool->page_size);
    pool->guard = choose_guard(pool->page_size);
    pool->max_map_count = read_max_map_count();
    for (size_t i = 0; i < N_CLASSES; i++) {
        pool->classes[i].n_next_slab = SLAB_STACKS_FIRST;
        wf_list_init(&pool->classes[i].slabs);
        wf_list_init(&pool->classes[i].open);
    }
    *out_pool = pool;
    return 0;
}

static void unmap_slab(struct wf_stack_slab *slab)
{
    for (size_t i = 0; i < slab->n_carved; i++) {
        wf_sanitizer_drop_stack(&slab->stacks[i].sanitizer);
    }
    atomic_fetch_sub_explicit(&n_mprotect_guards, slab->n_mprotect_guards, memory_order_relaxed);
    wf_list_remove(&slab->node);
    wf_list_remove(&slab->open_node);
    munmap(slab->base, slab->size);
    wf_free(slab);
}

void wf_stack_pool_destroy(struct wf_stack_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    WF_ASSERT(pool->n_used == 0);
    for (size_t i = 0; i < N_CLASSES; i++) {
        struct wf_list *slabs = &pool->classes[i].slabs;
        while (!wf_list_is_empty(slabs)) {
            unmap_slab(WF_CONTAINER_OF(slabs->next, struct wf_stack_slab, node));
        }
    }
    wf_free(pool);
}

static int map_slab(struct wf_stack_pool *pool, uint32_t size_class)
{
    struct stack_class *class = &pool->classes[size_class];
    size_t slot = pool->guard_size + class_size(pool, size_class);
    size_t n = class->n_next_slab;
    if (n * slot > SLAB_SIZE_MAX) {
        n = SLAB_SIZE_MAX / slot;
    }
    struct wf_stack_slab *slab = wf_alloc_zeroed(1, sizeof(*slab) + n * sizeof(struct wf_stack));
    if (slab == NULL) {
        return WEFT_ENOMEM;
    }

    slab->n_stacks = n;
    slab->size = n * slot;
    slab->base = mmap(NULL, slab->size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab->base == MAP_FAILED) {
        size_t size = slab->size;
        wf_free(slab);
        return weft_fail(WEFT_ENOSTACK, "no more coroutine stacks: cannot map %zu bytes: %s", size,
                         strerror(errno));
    }
    /* A huge page would make the first byte of a stack cost 2 MiB. Kernels without them say no. */
    (void)madvise(slab->base, slab->size, MADV_NOHUGEPAGE);

    wf_list_append(&class->slabs, &slab->node);
    wf_list_append(&class->open, &slab->open_node);
    if (class->n_next_slab < SLAB_STACKS_MAX) {
        class->n_next_slab *= 2;
    }
    return 0;
}

static int make_mprotect_guard(const struct wf_stack_pool *pool, struct wf_stack_slab *slab,
                               char *guard)
{
    size_t max = pool->max_map_count;
    size_t n = atomic_fetch_add_explicit(&n_mprotect_guards, 1, memory_order_relaxed);
    bool has_room = max > RESERVED_MAPPINGS && n < (max - RESERVED_MAPPINGS) / 2;

    if (has_room && mprotect(guard, pool->guard_size, PROT_NONE) == 0) {
        slab->n_mprotect_guards++;
        return 0;
    }
    atomic_fetch_sub_explicit(&n_mprotect_guards, 1, memory_order_relaxed);
    return refuse_guard(n, max);
}

static int make_guard(const struct wf_stack_pool *pool, struct wf_stack_slab *slab, char *guard)
{
    if (pool->guard == WF_STACK_GUARD_MADVISE) {
        if (madvise(guard, pool->guard_size, MADV_GUARD_INSTALL) == 0) {
            return 0;
        }
        /* EINVAL: the program has locked its memory (mlockall) after all. */
        if (errno != EINVAL) {
            return weft_fail(WEFT_ENOSTACK, "no guard below a coroutine stack: %s",
                             strerror(errno));
        }
    }
    return make_mprotect_guard(pool, slab, guard);
}

static int carve(struct wf_stack_pool *pool, uint32_t size_class, struct wf_stack_slab *slab,
                 struct wf_stack **out_stack)
{
    size_t size = class_size(pool, size_class);
    char *guard = slab->base + slab->n_carved * (pool->guard_size + size);

    int r = make_guard(pool, slab, guard);
    if (r < 0) {
        return r;
    }
    struct wf_stack *stack = &slab->stacks[slab->n_carved++];
    stack->low = guard + pool->guard_size;
    stack->high = stack->low + size;
    stack->slab = slab;
    stack->size_class = size_class;
    wf_sanitizer_add_stack(&stack->sanitizer, stack->low, stack->high);
    *out_stack = stack;
    return 0;
}

static struct wf_stack *take_cold(struct wf_stack_pool *pool, struct wf_stack_slab *slab)
{
    struct wf_stack *stack = slab->cold;

    slab->cold = stack->next;
    slab->n_cold--;
    pool->n_free--;
    return stack;
}

/* No warm stack: the slow half of get. */
__attribute__((noinline)) static int get_unused(struct wf_stack_pool *pool, uint32_t size_class,
                                                struct wf_stack **out_stack)
{
    struct stack_class *class = &pool->classes[size_class];
    int r = 0;

    if (wf_list_is_empty(&class->open)) {
        r = map_slab(pool, size_class);
        if (r < 0) {
            return r;
        }
    }
    struct wf_stack_slab *slab = WF_CONTAINER_OF(class->open.next, struct wf_stack_slab, open_node);
    if (slab->cold != NULL) {
        *out_stack = take_cold(pool, slab);
    } else {
        r = carve(pool, size_class, slab, out_stack);
    }
    if (slab->cold == NULL && slab->n_carved == slab->n_stacks) {
        wf_list_remove(&slab->open_node);
    }
    return r;
}

static struct wf_stack *hand_out(struct wf_stack_pool *pool, struct wf_stack *stack)
{
    pool->n_used++;
    wf_sanitizer_take_stack(&stack->sanitizer, stack->low, stack->high);
    return stack;
}

/* A stack that lies ready: the warmest. */
static struct wf_stack *take_ready(struct wf_stack_pool *pool, struct stack_class *class)
{
    struct wf_stack *stack = class->warm;

    pool->n_free--;
    if (stack != NULL) {
        class->warm = stack->next;
        class->n_warm--;
        pool->n_warm--;
        if (class->n_warm < class->n_warm_low) {
            class->n_warm_low = class->n_warm;
        }
        return stack;
    }
    stack = class->spare;
    WF_ASSERT(stack != NULL);
    class->spare = stack->next;
    class->n_spare--;
    return stack;
}

static bool has_unpromised(const struct stack_class *class)
{
    return class->n_warm + class->n_spare > class->n_reserved;
}

/* The class for <size>, or why there is none. */
static int choose_class(const struct wf_stack_pool *pool, size_t size, uint32_t *out_class)
{
    if (wf_alloc_may_fail_now()) {
        return WEFT_ENOMEM;
    }
    *out_class = size == 0 ? pool->default_class : find_class(size);
    return *out_class == N_CLASSES ? refuse_size(size) : 0;
}

int wf_stack_pool_get(struct wf_stack_pool *pool, size_t size, struct wf_stack **out_stack)
{
    uint32_t size_class;
    struct wf_stack *stack;
    int r = choose_class(pool, size, &size_class);

    if (r < 0) {
        return r;
    }
    struct stack_class *class = &pool->classes[size_class];
    if (has_unpromised(class)) {
        stack = take_ready(pool, class);
    } else {
        r = get_unused(pool, size_class, &stack);
        if (r < 0) {
            return r;
        }
    }
    *out_stack = hand_out(pool, stack);
    return 0;
}

int wf_stack_pool_reserve(struct wf_stack_pool *pool, size_t size, uint32_t *out_class)
{
    uint32_t size_class;
    int r = choose_class(pool, size, &size_class);

    if (r < 0) {
        return r;
    }
    struct stack_class *class = &pool->classes[size_class];
    if (!has_unpromised(class)) {
        struct wf_stack *stack;
        r = get_unused(pool, size_class, &stack);
        if (r < 0) {
            return r;
        }
        stack->next = class->spare;
        class->spare = stack;
        class->n_spare++;
        pool->n_free++;
    }
    class->n_reserved++;
    *out_class = size_class;
    return 0;
}

void wf_stack_pool_unreserve(struct wf_stack_pool *pool, uint32_t size_class)
{
    WF_ASSERT(pool->classes[size_class].n_reserved > 0);
    pool->classes[size_class].n_reserved--;
}

struct wf_stack *wf_stack_pool_take(struct wf_stack_pool *pool, uint32_t size_class)
{
    struct stack_class *class = &pool->classes[size_class];

    wf_stack_pool_unreserve(pool, size_class);
    return hand_out(pool, take_ready(pool, class));
}

/*
 * The top page is overwritten, since nearly every fiber used it and its next
 * user would pay a page fault for it; the others are given back, which clears
 * them.
 */
WF_COLD static void clear(const struct wf_stack_pool *pool, struct wf_stack *stack)
{
    char *top_page = stack->high - pool->page_size;

    if (madvise(stack->low, (size_t)(top_page - stack->low), MADV_DONTNEED) == 0) {
        memset(top_page, 0, pool->page_size);
    } else {
        memset(stack->low, 0, (size_t)(stack->high - stack->low)); /* locked in memory */
    }
}

void wf_stack_pool_put(struct wf_stack_pool *pool, struct wf_stack *stack)
{
    struct stack_class *class = &pool->classes[stack->size_class];

    wf_sanitizer_put_stack(&stack->sanitizer, stack->low, stack->high);
    if (__builtin_expect(pool->is_clean, 0)) {
        clear(pool, stack);
    }
    stack->next = class->warm;
    class->warm = stack;
    class->n_warm++;
    pool->n_warm++;
    pool->n_used--;
    pool->n_free++;
}

void wf_stack_pool_set_clean(struct wf_stack_pool *pool, bool clean)
{
    pool->is_clean = clean;
}

static void make_cold(struct wf_stack_pool *pool, struct stack_class *class, struct wf_stack *stack)
{
    struct wf_stack_slab *slab = stack->slab;

    (void)madvise(stack->low, (size_t)(stack->high - stack->low), MADV_DONTNEED);
    stack->next = slab->cold;
    slab->cold = stack;
    slab->n_cold++;
    if (!wf_list_is_linked(&slab->open_node)) {
        wf_list_append(&class->open, &slab->open_node);
    }
    if (slab->n_cold == slab->n_carved) {
        pool->n_free -= slab->n_cold;
        unmap_slab(slab);
    }
}

/* Below the <keep> stacks that were used last, at most <max>. */
static size_t trim_class(struct wf_stack_pool *pool, struct stack_class *class, size_t keep,
                         size_t max)
{
    struct wf_stack **link = &class->warm;
    size_t n = 0;

    if (class->n_reserved > class->n_spare) {
        keep += class->n_reserved - class->n_spare;
    }
    for (size_t i = 0; i < keep && *link != NULL; i++) {
        link = &(*link)->next;
    }
    while (*link != NULL && n < max) {
        struct wf_stack *stack = *link;
        *link = stack->next;
        class->n_warm--;
        pool->n_warm--;
        n++;
        make_cold(pool, class, stack);
    }
    if (class->n_warm < class->n_warm_low) {
        class->n_warm_low = class->n_warm;
    }
    return n;
}

size_t wf_stack_pool_end_period(struct wf_stack_pool *pool, size_t keep)
{
    size_t n = 0;

    for (size_t i = 0; i < N_CLASSES; i++) {
        struct stack_class *class = &pool->classes[i];
        size_t low = class->n_warm_low;
        class->n_idle = low > keep ? low - keep : 0;
        class->n_warm_low = class->n_warm;
        n += class->n_idle;
    }
    return n;
}

size_t wf_stack_pool_trim(struct wf_stack_pool *pool)
{
    size_t n = 0;

    for (size_t i = 0; i < N_CLASSES; i++) {
        struct stack_class *class = &pool->classes[i];
        size_t idle = class->n_idle < class->n_warm ? class->n_idle : class->n_warm;
        size_t max = idle < TRIM_BATCH - n ? idle : TRIM_BATCH - n;
        size_t trimmed = trim_class(pool, class, class->n_warm - idle, max);
        class->n_idle = idle - trimmed;
        n += trimmed;
    }
    return n;
}

size_t wf_stack_pool_get_n_warm(const struct wf_stack_pool *pool)
{
    return pool->n_warm;
}

enum wf_stack_guard wf_stack_pool_get_guard(const struct wf_stack_pool *pool)
{
    return pool->guard;
}

size_t wf_stack_pool_get_n_used(const struct wf_stack_pool *pool)
{
    return pool->n_used;
}

size_t wf_stack_pool_get_n_free(const struct wf_stack_pool *pool)
{
    return pool->n_free;
}

size_t wf_stack_get_touched(const struct wf_stack *stack)
{
    unsigned char pages[64];
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    size_t step = sizeof(pages) * page_size;
    size_t touched = 0;

    for (char *at = stack->low; at < stack->high; at += step) {
        size_t left = (size_t)(stack->high - at);
        size_t size = left < step ? left : step;
        if (mincore(at, size, pages) < 0) {
            return touched;
        }
        for (size_t i = 0; i < size / page_size; i++) {
            touched += (pages[i] & 1) != 0 ? page_size : 0;
        }
    }
    return touched;
}

bool wf_stack_guards(const struct wf_stack *stack, const void *address)
{
    uintptr_t low = (uintptr_t)stack->low;
    uintptr_t at = (uintptr_t)address;

    return at < low && at >= low - GUARD_SIZE_MIN;
}
