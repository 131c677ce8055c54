# area: transport
# behaviour: A reset is an error of connection_lost; eof_received does not come.
import asyncio
import socket
import struct
from support.tracer import Tracer


async def main():
    loop = asyncio.get_running_loop()
    made = loop.create_future()
    a = Tracer("a", made=lambda t: made.set_result(None))
    server = await loop.create_server(lambda: a, "127.0.0.1", 0)
    peer = socket.create_connection(server.sockets[0].getsockname())
    await made
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    await a.lost
    print("closing", int(a.transport.is_closing()))
    server.close()


asyncio.run(main())
