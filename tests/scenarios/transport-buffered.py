# area: transport
# behaviour: A buffered protocol is filled piece by piece, one piece a turn; get_buffer comes before each.
import asyncio
from support.tracer import BufferedTracer, connect, turns


async def main():
    loop = asyncio.get_running_loop()
    a = BufferedTracer("a", 4, get_buffer=lambda t: t.say("get_buffer"),
                       data=lambda t: loop.call_soon(print, "soon"))
    peer = await connect(a)
    peer.send(b"0123456789")
    peer.close()
    await turns(8)


asyncio.run(main())
