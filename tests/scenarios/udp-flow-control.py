# behaviour: a full socket pauses the protocol, which resumes when all is sent; order is kept; what
# is queued at close is still sent before connection_lost.
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
    b.setblocking(False)
    transport, _ = await loop.create_datagram_endpoint(P, sock=a)
    transport.set_write_buffer_limits(high=0)
    print("limits", transport.get_write_buffer_limits())
    sent = 0
    while transport.get_write_buffer_size() == 0:
        transport.sendto(str(sent).encode())
        sent += 1
    transport.sendto(str(sent).encode())
    sent += 1
    transport.close()
    print("closing", transport.is_closing())
    got = 0
    in_order = True
    while got < sent:
        try:
            in_order = in_order and int(b.recv(100)) == got
            got += 1
        except BlockingIOError:
            await asyncio.sleep(0)
    print("all", got == sent, "in order", in_order)
    for _ in range(3):
        await asyncio.sleep(0)
    b.close()


asyncio.run(main())
