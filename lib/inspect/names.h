#ifndef WF_INSPECT_NAMES_H
#define WF_INSPECT_NAMES_H

/*
 * Names of addresses without debug information: the symbols that modules export, and the modules
 * themselves. What is used when there is no libweft-debug.
 *
 * Thread: any. No lock of the dynamic linker is taken that somebody may hold for long.
 */

#include "inspect/stack.h"

/*
 * Fill function, offset and module of <frame>, whose pc is set; <is_call>: it is a return address.
 * <pid> 0: this process; of others only the module is found.
 */
void wf_names_find(pid_t pid, struct wf_stack_frame *frame, bool is_call,
                   struct wf_stack_text *text);

/* The folder of the file that this library's code is in, without a slash at its end; 0 or a code.
 */
int wf_names_own_folder(char *to, size_t size);

#endif
