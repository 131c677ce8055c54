import asyncio
import socket
from tracelib import err, show


async def main():
    a, b = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=a)
    print("closing %d" % writer.is_closing())
    writer.write(b"before")
    await writer.drain()
    writer.close()
    print("closing %d" % writer.is_closing())
    await writer.wait_closed()
    await writer.wait_closed()
    print("peer got", show(b.recv(100)), "then", show(b.recv(100)))
    b.close()


asyncio.run(main())
