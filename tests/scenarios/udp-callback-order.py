# behaviour: connection_made before create_datagram_endpoint returns; one datagram a turn, with
# callbacks of the loop between them; connection_lost a turn after close.
import asyncio
import socket


class P(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        print("made")
        asyncio.get_running_loop().call_soon(print, "soon after made")

    def datagram_received(self, data, addr):
        print("got", data.decode())
        asyncio.get_running_loop().call_soon(print, "soon after", data.decode())

    def connection_lost(self, exc):
        print("lost", exc)


async def main():
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for text in (b"1", b"2", b"3"):
        b.send(text)
    transport, _ = await loop.create_datagram_endpoint(P, sock=a)
    print("returned")
    for i in range(5):
        await asyncio.sleep(0)
        print("turn", i)
    transport.close()
    print("closing", transport.is_closing())
    loop.call_soon(print, "soon after close")
    await asyncio.sleep(0)
    print("end")
    await asyncio.sleep(0)
    b.close()


asyncio.run(main())
