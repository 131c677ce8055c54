# area: transport
# behaviour: write_eof takes effect after what is queued; later writes are refused, data still comes in.
import asyncio
from support.tracer import Tracer, connect, receive, turns


async def main():
    a = Tracer("a")
    peer = await connect(a)
    print("can", int(a.transport.can_write_eof()))
    a.transport.write(b"x" * 150000)
    a.transport.write_eof()
    a.transport.write_eof()
    for data in (b"more", b""):
        try:
            a.transport.write(data)
        except RuntimeError as e:
            print(type(e).__name__, e)
    n = 0
    while a.transport.get_write_buffer_size():
        n += len(receive(peer))
        await asyncio.sleep(0)
    n += len(receive(peer))
    print("received", n)
    print("at the end", int(peer.recv(1) == b""))
    peer.send(b"still heard")
    await turns(3)
    print("closing", int(a.transport.is_closing()))
    peer.close()
    await turns(4)


asyncio.run(main())
