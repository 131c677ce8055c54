# area: transport
# behaviour: Another protocol takes over inside data_received, a buffered one: neither connection_made nor connection_lost come by that.
import asyncio
from support.tracer import BufferedTracer, Tracer, connect, turns


async def main():
    second = BufferedTracer("second", 3)
    first = Tracer("first", data=lambda t: t.transport.set_protocol(second))
    peer = await connect(first)
    print("is first", int(first.transport.get_protocol() is first))
    peer.send(b"one")
    await turns(3)
    print("is second", int(first.transport.get_protocol() is second))
    peer.send(b"twothree")
    await turns(5)
    peer.close()
    await turns(4)
    print("first lost", int(first.lost.done()), "second lost", int(second.lost.done()))


asyncio.run(main())
