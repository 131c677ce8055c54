# area: transport
# behaviour: Between the marks nothing is said: one pause above the high one, one resume at the low one, and what resume_writing writes pauses again.
import asyncio
from support.tracer import Tracer, connect, receive


async def main():
    def more(t):
        t.n = getattr(t, "n", 0) + 1
        if t.n == 1:
            t.transport.write(b"y" * 200000)
            print("written again")
        else:
            t.transport.close()

    a = Tracer("a", resume=more)
    peer = await connect(a)
    a.transport.set_write_buffer_limits(high=100000, low=0)
    a.transport.write(b"x" * 90000)
    print("below the mark")
    a.transport.write(b"x" * 90000)
    a.transport.write(b"x" * 90000)
    n = 0
    while not a.lost.done():
        n += len(receive(peer))
        await asyncio.sleep(0)
    n += len(receive(peer))
    print("received", n)


asyncio.run(main())
