# behaviour: closing inside connection_made and inside datagram_received; what has come is not heard.
import asyncio
import socket


class P(asyncio.DatagramProtocol):
    def __init__(self, where):
        self.where = where

    def connection_made(self, transport):
        print(self.where, "made")
        self.transport = transport
        if self.where == "in-made":
            transport.close()

    def datagram_received(self, data, addr):
        print(self.where, "got", data.decode())
        self.transport.close()
        self.transport.close()

    def connection_lost(self, exc):
        print(self.where, "lost", exc)


async def main():
    loop = asyncio.get_running_loop()
    for where in ("in-made", "in-received"):
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        b.send(b"1")
        b.send(b"2")
        transport, _ = await loop.create_datagram_endpoint(lambda: P(where), sock=a)
        print(where, "returned", transport.is_closing())
        for i in range(4):
            await asyncio.sleep(0)
            print(where, "turn", i)
        b.close()


asyncio.run(main())
