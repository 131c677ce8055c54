# area: pipe
# behaviour: pause_writing above the high mark, resume_writing when the queue is empty; a close waits for the queue.
import asyncio
import os
from support.tracer import Tracer, drain_pipe, write_pipe


async def main():
    r, w = os.pipe()
    os.set_blocking(r, False)

    def more(t):
        t.n = getattr(t, "n", 0) + 1
        print("w queue", t.transport.get_write_buffer_size())
        if t.n == 1:
            t.transport.write(b"y" * 300000)
            print("written again")
        else:
            t.transport.close()

    t = Tracer("w", resume=more)
    await write_pipe(t, w)
    print(*t.transport.get_write_buffer_limits())
    t.transport.set_write_buffer_limits(high=100000)
    print(*t.transport.get_write_buffer_limits())
    t.transport.write(b"x" * 65536)
    print("queue", t.transport.get_write_buffer_size())
    t.transport.write(b"x" * 100000)
    print("queue", t.transport.get_write_buffer_size())
    t.transport.write(b"x")
    n = 0
    while not t.lost.done():
        n += drain_pipe(r)
        await asyncio.sleep(0)
    n += drain_pipe(r)
    print("received", n)
    os.close(r)

    print("-- close with a queue")
    r, w = os.pipe()
    os.set_blocking(r, False)
    t = Tracer("w")
    await write_pipe(t, w)
    t.transport.write(b"x" * 200000)
    t.transport.close()
    t.transport.write(b"dropped")
    n = 0
    while not t.lost.done():
        n += drain_pipe(r)
        await asyncio.sleep(0)
    n += drain_pipe(r)
    print("received", n)
    os.close(r)


asyncio.run(main())
