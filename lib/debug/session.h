#ifndef WF_DEBUG_SESSION_H
#define WF_DEBUG_SESSION_H

/*
 * The inside of libweft-debug.so.0. What libweft sees of it is one table (inspect/stack_api.h).
 *
 * It is a library of its own because libdw brings five more and needs room on the stack; libweft
 * loads it when a stack is to be named. (No header here may be called as one of libstdc++'s
 * debug/, where our folders come first.)
 *
 * Thread: one at a time; libweft has the lock. 64 KiB of stack.
 */

#include "inspect/stack_api.h"

#include <elfutils/libdwfl.h>
#include <stdint.h>

/* The only symbol that it exports. */
extern const struct wf_debug_api weft_debug_api_v1;

/* What is known about the modules of one process. */
struct wf_debug_session {
    pid_t pid;   /* 0: not in use */
    Dwfl *dwfl;  /* owned */
    Elf *header; /* owned; made when first unwinding (unwind.c) */
    bool is_own;
    bool is_attached;
    unsigned long long n_module_changes; /* own: as of the last report */
};

/* The session for <pid> (0: this process), up to date; NULL and a static reason. */
struct wf_debug_session *wf_debug_session_get(pid_t pid, const char **out_note);
void wf_debug_session_forget(void);

/* Unwind <sample>, and name each frame. */
void wf_debug_unwind(struct wf_debug_session *session, const struct wf_stack_sample *sample,
                     struct wf_stack_text *text);

/* Modules may be gone. */
void wf_debug_forget_names(void);
/*
 * Add the frames of <pc>: those that were inlined there, then the function itself. <is_call>: it
 * is a return address. False when there was no room.
 */
bool wf_debug_add_frames(Dwfl *dwfl, uint64_t pc, bool is_call, bool is_guessed,
                         struct wf_stack_text *text);

#endif
