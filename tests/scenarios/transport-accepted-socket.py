# area: transport
# behaviour: connect_accepted_socket puts a protocol on a socket that a plain listener accepted; writes in connection_made are sent at once.
import asyncio
import socket
from support.tracer import Tracer


async def main():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    peer = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    a = Tracer("a", made=lambda t: t.transport.write(b"welcome"))
    transport, protocol = await loop.connect_accepted_socket(lambda: a, accepted)
    print("returned", int(protocol is a))
    print("peer got", peer.recv(100).decode())
    names = (transport.get_extra_info("peername"), transport.get_extra_info("sockname"))
    print("names", int(names == (peer.getsockname(), listener.getsockname())))
    peer.send(b"thanks")
    peer.close()
    await a.lost
    print("names", int(transport.get_extra_info("peername") == names[0]))
    listener.close()


asyncio.run(main())
