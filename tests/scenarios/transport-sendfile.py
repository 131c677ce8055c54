# area: transport
# behaviour: A file follows what is queued; writes are refused meanwhile; the count and the position of the file; a part of a file.
import asyncio
import tempfile
from support.tracer import Tracer, connect, receive, turns


async def main():
    loop = asyncio.get_running_loop()
    a = Tracer("a")
    peer = await connect(a)
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789" * 20000)
        file.flush()
        a.transport.write(b"-" * 50000)
        task = asyncio.create_task(loop.sendfile(a.transport, file))
        await turns(2)
        print("reading", int(a.transport.is_reading()))
        try:
            a.transport.write(b"x")
        except RuntimeError as e:
            print(type(e).__name__, e)
        data = b""
        while not task.done():
            data += receive(peer)
            await asyncio.sleep(0)
        data += receive(peer)
        print("sent", task.result(), "received", len(data), "position", file.tell())
        print("reading", int(a.transport.is_reading()))
        print("sent", await loop.sendfile(a.transport, file, 15, 10), "position", file.tell())
        print(receive(peer).decode())
        a.transport.close()
        try:
            await loop.sendfile(a.transport, file)
        except RuntimeError as e:
            print(type(e).__name__, e)
    await turns(3)
    peer.close()


asyncio.run(main())
