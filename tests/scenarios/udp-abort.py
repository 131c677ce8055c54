# behaviour: abort drops what is queued; connection_lost comes with None, once.
import asyncio
import os
import socket


class P(asyncio.DatagramProtocol):
    def pause_writing(self):
        print("pause")

    def resume_writing(self):
        print("resume")

    def connection_lost(self, exc):
        print("lost", exc)


async def main():
    loop = asyncio.get_running_loop()
    a = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    b.bind("\0weft-%s-%d" % (__file__, os.getpid()))
    a.connect(b.getsockname())
    transport, _ = await loop.create_datagram_endpoint(P, sock=a)
    while transport.get_write_buffer_size() == 0:
        transport.sendto(b"x" * 10)
    print("queued", transport.get_write_buffer_size() > 0)
    transport.abort()
    print("closing", transport.is_closing())
    transport.abort()
    transport.close()
    print("aborted")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("end")
    b.close()


asyncio.run(main())
