#ifndef WF_INSPECT_STACK_H
#define WF_INSPECT_STACK_H

/*
 * Stacks: from registers and a copy of what lay on the stack to functions, files and lines.
 *
 * In two steps. While threads are held, wf_stack_take copies registers and a slice of the stack
 * into memory that is there already. After they were let go, wf_stack_symbolize unwinds the copy
 * and names what it finds; it allocates, reads debug information and takes locks.
 *
 * The second step is done by libweft-debug.so.0, which links libdw; it is looked for beside
 * libweft (or where WEFT_DEBUG_LIBRARY says) and loaded at the first need. Without it frame
 * pointers are followed and names come from the symbols that the modules export; the note says
 * so. A stack that is corrupt ends early; nothing outside the copy is followed.
 *
 * A thread that is blocked in a system call shows pc and sp only. Where a frame pointer is
 * needed to go on, it is searched for on the stack, and such frames are marked as guessed.
 *
 * Thread: any but a task's (it needs 64 KiB of stack) for symbolize and prepare; take: any.
 */

#include "inspect/registers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wf_memory;

enum {
    WF_STACK_MAX_FRAMES = 64,
    WF_STACK_TEXT_SIZE = 12 * 1024,
    WF_STACK_SLICE = 16 * 1024 /* of which most stacks need 1 or 2 */
};

/* A stack that was copied. The bytes lie where the caller put them. */
struct wf_stack_sample {
    pid_t pid; /* whose modules: 0: this process */
    struct wf_registers registers;
    uint64_t low;      /* the address that bytes[0] was copied from: the stack pointer */
    const char *bytes; /* borrowed */
    size_t n;
    uint64_t stack_high; /* one past the stack's last byte; 0: not known */
    bool is_cut;         /* there was more than there was room */
};

struct wf_stack_frame {
    uint64_t pc;
    const char *function; /* NULL: not known; into struct wf_stack_text, as all texts here */
    uint64_t offset;      /* of pc in the function, or in the module when that is not known */
    const char *file;     /* without folders; NULL: not known */
    int line;             /* 0: not known */
    const char *module;   /* file name without folders; NULL: not known */
    bool is_inlined;      /* into the frame that follows, which has the same pc */
    bool is_guessed;      /* after a frame pointer that was searched for */
};

/* What became of it. Some 17 KiB: make one and use it again. */
struct wf_stack_text {
    size_t n;
    struct wf_stack_frame frames[WF_STACK_MAX_FRAMES]; /* the innermost first */
    bool is_complete;                                  /* it ends where a fiber or thread begins */
    const char *note; /* why there is less than there could be, static; or NULL */
    size_t n_texts;   /* bytes used of texts */
    char texts[WF_STACK_TEXT_SIZE];
};

/*
 * Copy up to <size> bytes of the stack of <registers> into <bytes>, and fill *out_sample.
 * <stack_high>: its end; 0: up to what can be read. Allocates nothing. 0, or the code of the read;
 * then the sample has no bytes, and still names one frame.
 */
int wf_stack_take(struct wf_memory *memory, const struct wf_registers *registers,
                  uint64_t stack_high, void *bytes, size_t size,
                  struct wf_stack_sample *out_sample);

/*
 * Load what symbolize needs, and wait for it, so that the first stack is quick. 0, or why there is
 * no libweft-debug.
 */
int wf_stack_prepare(void);

/* Unwind and name. 0; *out_text always has what could be found, at least one frame. */
int wf_stack_symbolize(const struct wf_stack_sample *sample, struct wf_stack_text *out_text);

/* Name <n> return addresses of this process that were captured (base/capture.h). */
int wf_stack_name(void *const *pcs, size_t n, struct wf_stack_text *out_text);

/*
 * Frame <i> in one line, without line end: "#3 fetch at client.c:41", "#4 qsort+0x1c3 in
 * libc.so.6", "#5 0x7f12 in module.so+0x12". Returns its length.
 */
size_t wf_stack_print(const struct wf_stack_text *text, size_t i, char *line, size_t size);

/* Forget what is known about modules, of this process and of others: some megabytes. */
void wf_stack_forget(void);

#endif
