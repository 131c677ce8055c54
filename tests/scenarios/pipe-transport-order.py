# area: pipe
# behaviour: The order of callbacks of both ends: data, the end and the loss of the reader, close and abort of the writer, each in its turn.
import asyncio
import os
from support.tracer import Tracer, connect_pipes, read_pipe, turns, write_pipe


async def close_case():
    print("-- close")
    r, w = await connect_pipes(Tracer("r", data=soon, eof=soon), Tracer("w"))
    w.transport.write(b"one")
    await turns(3)
    w.transport.close()
    print("closing", int(w.transport.is_closing()))
    for i in range(4):
        await asyncio.sleep(0)
        print("turn", i)
    await r.lost


async def eof_case():
    print("-- write_eof")
    r, w = await connect_pipes(Tracer("r", eof=lambda t: True), Tracer("w"))
    print("can write eof", int(w.transport.can_write_eof()))
    w.transport.writelines([b"a", b"b", b"", b"c"])
    w.transport.write_eof()
    w.transport.write_eof()
    w.transport.close()
    await w.lost
    await r.lost
    print("closing", int(r.transport.is_closing()))


async def abort_case():
    print("-- abort")
    r, w = await connect_pipes(Tracer("r"), Tracer("w"))
    r.quiet = True
    r.transport.pause_reading()
    w.transport.write(b"x" * 300000)
    print("queued", int(w.transport.get_write_buffer_size() > 0))
    w.transport.abort()
    print("queued", w.transport.get_write_buffer_size())
    await turns(3)
    r.transport.resume_reading()
    await r.lost
    print("some came", int(0 < r.n_bytes < 300000))


async def reader_closes_case():
    print("-- the reader closes")
    r, w = await connect_pipes(Tracer("r", data=lambda t: t.transport.close()), Tracer("w"))
    w.transport.write(b"x")
    await w.lost


async def at_once_case():
    print("-- closed in connection_made")
    r, w = os.pipe()
    a = Tracer("r", made=lambda t: t.transport.close())
    b = Tracer("w", made=lambda t: t.transport.close())
    await read_pipe(a, r)
    print("connected")
    await turns(2)
    await write_pipe(b, w)
    print("connected")
    await turns(2)


def soon(t):
    asyncio.get_running_loop().call_soon(print, "soon")


async def main():
    await close_case()
    await eof_case()
    await abort_case()
    await reader_closes_case()
    await at_once_case()


asyncio.run(main())
