# area: transport
# behaviour: A server with start_serving=False refuses until it is started; starting twice is harmless; after the close it is over.
import asyncio
import socket
from support.tracer import Tracer


def try_to_connect(address):
    try:
        return socket.create_connection(address)
    except ConnectionRefusedError as e:
        print(type(e).__name__)


async def main():
    loop = asyncio.get_running_loop()
    a = Tracer("a", eof=lambda t: print("end"))
    server = await loop.create_server(lambda: a, "127.0.0.1", 0, start_serving=False)
    address = server.sockets[0].getsockname()
    print("serving", int(server.is_serving()), "sockets", len(server.sockets))
    try_to_connect(address)
    await server.start_serving()
    await server.start_serving()
    print("serving", int(server.is_serving()))
    peer = try_to_connect(address)
    peer.send(b"hello")
    peer.close()
    await asyncio.sleep(0.05)
    server.close()
    server.close()
    print("serving", int(server.is_serving()), "sockets", len(server.sockets))
    await server.wait_closed()
    try:
        await server.serve_forever()
    except RuntimeError as e:
        print(type(e).__name__)
    try_to_connect(address)


asyncio.run(main())
