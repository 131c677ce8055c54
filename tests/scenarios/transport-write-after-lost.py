# area: transport
# behaviour: Writing to a peer that is gone tells connection_lost the error; later writes are silent, and warned about from the fifth on.
import asyncio
import logging
from support.tracer import Tracer, connect, turns


class Handler(logging.Handler):
    def emit(self, record):
        print("log", record.getMessage())


async def main():
    logging.getLogger("asyncio").addHandler(Handler())
    logging.getLogger("asyncio").propagate = False
    a = Tracer("a", lost=lambda t: t.transport.write(b"last words"))
    peer = await connect(a)
    a.transport.pause_reading()
    peer.close()
    a.transport.write(b"one")
    print("closing", int(a.transport.is_closing()))
    a.transport.write(b"two")
    await turns(2)
    for i in range(6):
        print("write", i)
        a.transport.write(b"more")


asyncio.run(main())
