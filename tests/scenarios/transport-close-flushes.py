# area: transport
# behaviour: Closing sends what is queued before connection_lost; data that arrives meanwhile is not handed over.
import asyncio
from support.tracer import Tracer, connect, receive, turns


async def main():
    a = Tracer("a")
    peer = await connect(a)
    a.transport.write(b"x" * 60000)
    a.transport.close()
    print("queued", int(a.transport.get_write_buffer_size() > 0))
    peer.send(b"nobody listens")
    await turns(4)
    print("lost", int(a.lost.done()))
    n = 0
    while not a.lost.done():
        n += len(receive(peer))
        await asyncio.sleep(0)
    n += len(receive(peer))
    print("received", n)
    peer.close()


asyncio.run(main())
