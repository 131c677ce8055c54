# area: transport
# behaviour: Two connections that become readable together are served in one turn, in the order in which they became so, and each queues behind the other.
import asyncio
from support.tracer import Tracer, connect, turns


async def main():
    loop = asyncio.get_running_loop()

    def soon(t):
        loop.call_soon(print, "soon")

    a, b = Tracer("a", data=soon, eof=soon), Tracer("b", data=soon, eof=soon)
    peer_a, peer_b = await connect(a), await connect(b)
    await turns(2)
    peer_a.send(b"1")
    peer_b.send(b"2")
    await turns(3)
    peer_b.send(b"3")
    peer_b.close()
    peer_a.send(b"4")
    peer_a.close()
    await turns(6)


asyncio.run(main())
