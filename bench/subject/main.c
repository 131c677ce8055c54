/*
 * weft-peer COMMAND [--OPTION NUMBER]...: finds the command and runs it.
 */

#include "peer.h"

#include <stdio.h>
#include <string.h>

static const struct peer_command *const commands[] = {
    &peer_switch, &peer_spawn, &peer_echo, &peer_http, &peer_xthread, &peer_executor, &peer_timers,
};

int main(int argc, char **argv)
{
    size_t n = sizeof commands / sizeof commands[0];

    for (size_t i = 0; argc > 1 && i < n; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) {
            return commands[i]->run(argc - 2, argv + 2);
        }
    }
    fprintf(stderr, "usage: weft-peer COMMAND [--OPTION NUMBER]...\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "  %-9s %s\n", commands[i]->name, commands[i]->arguments);
    }
    return 2;
}
