# behaviour: unix datagrams with names; a stale socket file is no hindrance and is left behind.
import asyncio
import os
import socket
import tempfile


class P(asyncio.DatagramProtocol):
    def __init__(self, name):
        self.name = name

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        print(self.name, "got", data.decode(), "from", os.path.basename(addr))
        if self.name == "server":
            self.transport.sendto(b"re:" + data, addr)
        else:
            done.set_result(None)


async def main():
    global done
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        server_path = os.path.join(folder, "server")
        client_path = os.path.join(folder, "client")
        for attempt in range(2):
            done = loop.create_future()
            server, _ = await loop.create_datagram_endpoint(
                lambda: P("server"), local_addr=server_path, family=socket.AF_UNIX)
            client, _ = await loop.create_datagram_endpoint(
                lambda: P("client"), local_addr=client_path, remote_addr=server_path,
                family=socket.AF_UNIX)
            client.sendto(b"hello")
            await done
            server.close()
            client.close()
            await asyncio.sleep(0)
            print("left", os.path.exists(server_path))


asyncio.run(main())
