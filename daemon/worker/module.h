#ifndef WEFT_DAEMON_WORKER_MODULE_H
#define WEFT_DAEMON_WORKER_MODULE_H

/*
 * Service modules: from the name in the config to code in this process.
 *
 * A module is checked on its open descriptor and loaded from that descriptor,
 * so what was checked is what runs. It is never unloaded.
 */

#include "weft/service.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MODULE_WHY_SIZE = 256
};

/**
 * Load the module <name>: an absolute path, or a built-in one's name, which is
 * looked for beside this program and then where modules are installed.
 *
 * Thread:  any, one at a time.
 * Runs:    the module's constructors.
 * Owns:    *out_descriptor lives as long as the process; <why> has MODULE_WHY_SIZE bytes.
 * Errors:  negative with a sentence in <why>; *out_descriptor is untouched.
 */
int module_load(const char *name, const weft_service_descriptor **out_descriptor, char *why);

#ifdef __cplusplus
}
#endif

#endif
