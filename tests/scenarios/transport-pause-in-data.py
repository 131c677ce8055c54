# area: transport
# behaviour: Pausing inside data_received holds the next data back; resuming hands over what came meanwhile, in one piece, and then the end.
import asyncio
from support.tracer import Tracer, connect, turns


async def main():
    a = Tracer("a", data=lambda t: t.transport.pause_reading())
    peer = await connect(a)
    peer.send(b"one")
    await turns(3)
    peer.send(b"two")
    await turns(3)
    peer.send(b"three")
    await turns(3)
    print("resume")
    a.transport.resume_reading()
    await turns(3)
    peer.close()
    await turns(3)
    print("resume")
    a.transport.resume_reading()
    a.transport.pause_reading()
    await turns(3)
    print("resume again")
    a.transport.resume_reading()
    await turns(4)


asyncio.run(main())
