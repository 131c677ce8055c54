# area: transport
# behaviour: Reading starts after connection_made, the maker resumes before the first data; the end comes one turn after the last data.
import asyncio
import socket
from support.tracer import Tracer


async def main():
    loop = asyncio.get_running_loop()
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    peer.send(b"early")

    def soon(t):
        loop.call_soon(print, "soon")

    a = Tracer("a", made=soon, data=soon, eof=soon, lost=soon)
    loop.call_soon(print, "before")
    await loop.create_connection(lambda: a, sock=ours)
    print("returned")
    for i in range(3):
        await asyncio.sleep(0)
        print("turn", i)
    peer.send(b"late")
    peer.close()
    for i in range(6):
        await asyncio.sleep(0)
        print("turn", i)


asyncio.run(main())
