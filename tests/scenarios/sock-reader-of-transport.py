import asyncio
import socket
from tracelib import err


async def main():
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=a)
    for name, call in (("add_reader", lambda: loop.add_reader(a, print)),
                       ("remove_reader", lambda: loop.remove_reader(a)),
                       ("add_writer", lambda: loop.add_writer(a, print)),
                       ("remove_writer", lambda: loop.remove_writer(a))):
        try:
            call()
        except RuntimeError as e:
            print(name, err(e))
    writer.close()
    await writer.wait_closed()
    b.setblocking(False)
    print(loop.remove_reader(b))
    loop.add_reader(b, print)
    loop.add_reader(b, print)
    print(loop.remove_reader(b), loop.remove_reader(b))
    b.close()


asyncio.run(main())
