# behaviour: what is no pipe is refused; the writer notices that its reader has gone.
import asyncio
import os
import tempfile


async def main():
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryFile() as f:
        for connect in (loop.connect_read_pipe, loop.connect_write_pipe):
            try:
                await connect(asyncio.Protocol, f)
                print("ok")
            except Exception as e:
                print(type(e).__name__)
    r, w = os.pipe()
    transport, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(w, "wb", 0))
    transport.write(b"x")
    print("closing", transport.is_closing())
    os.close(r)
    for _ in range(3):
        await asyncio.sleep(0)
    print("closing", transport.is_closing())
    transport.close()
    await asyncio.sleep(0)


asyncio.run(main())
