# behaviour: an exception in datagram_received or connection_lost is logged; the endpoint goes on.
import asyncio
import socket


class P(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        print("got", data.decode())
        raise ValueError(data.decode())

    def connection_lost(self, exc):
        print("lost", exc)
        raise ValueError("lost")


def handler(loop, context):
    print("report", type(context["exception"]).__name__)


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    transport, _ = await loop.create_datagram_endpoint(P, sock=a)
    b.send(b"1")
    b.send(b"2")
    for _ in range(4):
        await asyncio.sleep(0)
    print("closing", transport.is_closing())
    transport.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    b.close()


asyncio.run(main())
