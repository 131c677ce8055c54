#ifndef WEFT_SCENARIO_DATAGRAMS_H
#define WEFT_SCENARIO_DATAGRAMS_H

/*
 * datagrams.h: sockets for datagrams, and callbacks that print what they are told.
 */

#include "weft/weft.h"

/** A protocol and its data: the argument of make_datagram_protocol. */
struct datagram_user {
    const weft_datagram_protocol *protocol;
    void *data;
};
int make_datagram_protocol(const weft_datagram_protocol **out_protocol, void **out_data,
                           void *user);

/** socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM). */
void datagram_pair(int ends[2]);
/** Put a protocol on one of them, which must work. */
weft_datagram_transport *endpoint_on(int fd, const weft_datagram_protocol *protocol, void *data);
/** Send <text> through a plain socket. */
void send_datagram(int fd, const char *text);
/** transport.close(), and the reference goes. */
void end_endpoint(weft_datagram_transport *transport);
/** asyncio.sleep(0), n times. */
int sleep_turns(int n);

int print_made(weft_datagram_transport *transport, void *data);
int print_lost(weft_datagram_transport *transport, int code, void *data);
int print_datagram(weft_datagram_transport *transport, const void *bytes, size_t n,
                   const weft_address *from, void *data);
int print_pause(weft_datagram_transport *transport, void *data);
int print_resume(weft_datagram_transport *transport, void *data);
/** Python's True and False. */
const char *truth(int value);

#endif
