#ifndef WEFT_SCENARIO_PROTOCOLS_H
#define WEFT_SCENARIO_PROTOCOLS_H

/*
 * protocols.h: shorthands for callback protocols on loopback.
 */

#include "weft/weft.h"

/** What most factories do: these callbacks, with this data for every connection. */
struct maker {
    const weft_protocol *protocol;
    void *data;
};
/** The factory for it; <arg> is a struct maker. */
int make_from(const weft_protocol **out_protocol, void **out_data, void *arg);

/** A protocol without any callback: asyncio.Protocol itself. */
extern const weft_protocol silent_protocol;

/** A server of <maker>'s protocol on a port of 127.0.0.1 that the system chooses. */
weft_server *serve_protocol(struct maker *maker);
/** A client of it. */
weft_transport *connect_protocol(weft_server *server, struct maker *maker);
/** transport.write(text). */
void send_text(weft_transport *transport, const char *text);

#endif
