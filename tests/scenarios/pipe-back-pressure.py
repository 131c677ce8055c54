# behaviour: drain waits while the pipe and the queue are full, and goes on when somebody reads.
import asyncio
import os


async def main():
    loop = asyncio.get_running_loop()
    r, w = os.pipe()
    reader = asyncio.StreamReader()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(w, "wb", 0))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    writer.write(b"a" * 400000)
    drain = asyncio.create_task(writer.drain())
    await asyncio.sleep(0.01)
    print("drained", drain.done())
    rt, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb", 0))
    n = 0
    n += len(await reader.readexactly(350000))
    await drain
    print("drained", drain.done())
    writer.write_eof()
    n += len(await reader.read())
    print("read", n)
    rt.close()
    await asyncio.sleep(0)


asyncio.run(main())
