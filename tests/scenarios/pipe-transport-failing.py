# area: pipe
# behaviour: Callbacks of a pipe that fail are reported and break nothing.
import asyncio
import os
from support.tracer import Tracer, read_pipe, turns


def fail(t):
    raise ValueError("on purpose")


async def main():
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: print("report", type(context["exception"]).__name__))
    r, w = os.pipe()
    t = Tracer("r", made=fail, data=fail, eof=fail, lost=fail)
    await read_pipe(t, r)
    print("connected")
    os.write(w, b"one")
    await turns(3)
    os.write(w, b"two")
    await turns(3)
    print("closing", int(t.transport.is_closing()))
    os.close(w)
    await turns(4)


asyncio.run(main())
