import asyncio
import socket
from tracelib import err, show


async def main():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    task = asyncio.create_task(loop.sock_accept(listener))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as e:
        print("first", err(e))
    client = socket.socket()
    client.setblocking(False)
    await loop.sock_connect(client, listener.getsockname())
    conn, address = await loop.sock_accept(listener)
    print("second", address == client.getsockname())
    client.close()
    print("end", show(await loop.sock_recv(conn, 10)))
    conn.close()
    listener.close()


asyncio.run(main())
