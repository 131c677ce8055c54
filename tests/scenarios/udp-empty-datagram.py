# behaviour: an empty datagram is received like any other, and ends nothing.
import asyncio
import socket


class P(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        print("got", len(data))
        queue.put_nowait(len(data))

    def connection_lost(self, exc):
        print("lost", exc)


async def main():
    global queue
    queue = asyncio.Queue()
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    transport, _ = await loop.create_datagram_endpoint(P, sock=a)
    for n in (0, 3, 0):
        b.send(b"x" * n)
        print("queue", await queue.get())
    print("closing", transport.is_closing())
    transport.close()
    await asyncio.sleep(0)
    b.close()


asyncio.run(main())
