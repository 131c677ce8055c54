# area: transport
# behaviour: A true result of eof_received keeps the connection half open: it writes on, and nothing more is received.
import asyncio
import socket
from support.tracer import Tracer, connect, receive, turns


async def main():
    a = Tracer("a", eof=lambda t: True)
    peer = await connect(a)
    peer.send(b"question")
    peer.shutdown(socket.SHUT_WR)
    await turns(4)
    print("closing", int(a.transport.is_closing()), "reading", int(a.transport.is_reading()))
    a.transport.write(b"answer")
    await turns(3)
    print("received", receive(peer).decode())
    a.transport.close()
    print("closing", int(a.transport.is_closing()), "reading", int(a.transport.is_reading()))
    await turns(3)
    peer.close()


asyncio.run(main())
