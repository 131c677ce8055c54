# behaviour: which calls are refused, and as what.
import asyncio
import socket


async def attempt(label, **options):
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, **options)
        transport.close()
        print(label, "ok")
    except Exception as e:
        print(label, type(e).__name__)


async def main():
    loop = asyncio.get_running_loop()
    await attempt("nothing")
    await attempt("mixed", local_addr=("127.0.0.1", 0), remote_addr=("::1", 9))
    await attempt("family", family=socket.AF_INET)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    await attempt("in use", local_addr=s.getsockname())
    await attempt("both", sock=s, allow_broadcast=True)
    t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    await attempt("stream", sock=t)
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=s.getsockname())
    try:
        transport.sendto(b"x", ("127.0.0.1", 1))
        print("other address ok")
    except Exception as e:
        print("other address", type(e).__name__)
    transport.sendto(b"x", s.getsockname())
    print("same address", s.recv(10).decode())
    transport.close()
    transport.sendto(b"y")
    await asyncio.sleep(0)
    transport.sendto(b"z")
    s.setblocking(False)
    try:
        print("after close", s.recv(10).decode())
    except BlockingIOError:
        print("after close nothing")
    s.close()
    t.close()


asyncio.run(main())
