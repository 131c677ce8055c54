# area: pipe
# behaviour: A paused reader is told nothing, not even the end; resumed, it gets all in order. Closing ends it while paused.
import asyncio
import os
from support.tracer import Tracer, read_pipe, turns


async def main():
    r, w = os.pipe()
    t = Tracer("r")
    await read_pipe(t, r)
    os.write(w, b"one")
    await turns(3)
    t.transport.pause_reading()
    t.transport.pause_reading()
    os.write(w, b"two")
    os.close(w)
    await turns(5)
    print("still paused")
    t.transport.resume_reading()
    t.transport.resume_reading()
    await t.lost
    t.transport.resume_reading()

    print("-- paused by data")
    r, w = os.pipe()
    t = Tracer("r", data=lambda t: t.transport.pause_reading())
    await read_pipe(t, r)
    os.write(w, b"x" * 10)
    await turns(3)
    os.write(w, b"y" * 10)
    await turns(3)
    print("resume")
    t.transport.resume_reading()
    await turns(3)
    t.transport.close()
    print("closing", int(t.transport.is_closing()))
    await t.lost
    os.close(w)


asyncio.run(main())
