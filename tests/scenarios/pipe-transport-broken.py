# area: pipe
# behaviour: A writer learns without writing that the reader is gone: no error when nothing was queued, BrokenPipeError else; later writes are dropped, then warned about.
import asyncio
import logging
import os
from support.tracer import Tracer, turns, write_pipe


class Handler(logging.Handler):
    def emit(self, record):
        print("log", record.getMessage())


async def connect(name):
    r, w = os.pipe()
    t = Tracer(name)
    await write_pipe(t, w)
    return r, t


def write_more(t, n):
    for i in range(n):
        print("write", i)
        t.transport.write(b"more")


async def main():
    logging.getLogger("asyncio").addHandler(Handler())
    logging.getLogger("asyncio").propagate = False

    r, t = await connect("idle")
    os.close(r)
    await t.lost
    write_more(t, 7)

    r, t = await connect("queued")
    t.transport.write(b"x" * 300000)
    os.close(r)
    await t.lost
    print("queued", t.transport.get_write_buffer_size())
    write_more(t, 7)

    r, t = await connect("writing")
    os.close(r)
    t.transport.write(b"x")
    print("closing", int(t.transport.is_closing()))
    await turns(2)
    write_more(t, 6)

    r, t = await connect("closing")
    t.transport.write(b"x" * 300000)
    t.transport.close()
    print("closing", int(t.transport.is_closing()))
    os.close(r)
    await t.lost


asyncio.run(main())
