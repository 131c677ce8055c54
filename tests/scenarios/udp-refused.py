# behaviour: a connected endpoint hears by error_received that nobody listens, and goes on.
import asyncio
import socket


class P(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        print("made")

    def datagram_received(self, data, addr):
        print("got", data.decode())

    def error_received(self, exc):
        print("error", type(exc).__name__)
        heard.set()

    def connection_lost(self, exc):
        print("lost", exc)


async def main():
    global heard
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    address = s.getsockname()
    s.close()
    transport, _ = await loop.create_datagram_endpoint(P, remote_addr=address)
    for _ in range(2):
        heard.clear()
        transport.sendto(b"x")
        print("sent")
        await heard.wait()
        print("closing", transport.is_closing())
    transport.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


asyncio.run(main())
