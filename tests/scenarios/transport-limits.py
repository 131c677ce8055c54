# area: transport
# behaviour: The defaults of the water marks, each given alone, both, zero, and the wrong way round; lowering them below what is queued pauses at once.
import asyncio
from support.tracer import Tracer, connect, turns


def show(t, **limits):
    try:
        t.set_write_buffer_limits(**limits)
    except ValueError:
        print("ValueError")
    print("low %d high %d" % t.get_write_buffer_limits())


async def main():
    a = Tracer("a")
    peer = await connect(a)
    t = a.transport
    show(t)
    show(t, high=1000)
    show(t, low=1000)
    show(t, high=1000, low=1000)
    show(t, high=1000, low=1001)
    show(t, high=0)
    show(t)
    t.write(b"x" * 50000)
    print("queued", int(t.get_write_buffer_size() > 0))
    show(t, high=10)
    show(t, high=5)
    t.abort()
    print("queued", int(t.get_write_buffer_size() > 0))
    await turns(2)
    peer.close()


asyncio.run(main())
