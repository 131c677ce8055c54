# area: streams
# behaviour: our own close and abort are an end to who reads; wait_closed may be asked before; many drain.
import asyncio
import socket
from tracelib import err, show


async def attempt(label, waited):
    try:
        value = await waited
        print(label, show(value) if isinstance(value, bytes) else "done")
    except asyncio.IncompleteReadError as e:
        print(label, err(e), show(e.partial))
    except (Exception, asyncio.CancelledError) as e:
        print(label, err(e))


async def pair():
    ours, peer = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    return reader, writer, peer


async def read_after_close():
    reader, writer, peer = await pair()
    peer.send(b"one\ntwo\n")
    await attempt("line", reader.readline())
    writer.close()
    await attempt("line", reader.readline())
    await attempt("line", reader.readline())
    print("at end %d" % reader.at_eof())
    await attempt("closed", writer.wait_closed())
    peer.close()


async def close_while_reading():
    reader, writer, peer = await pair()
    task = asyncio.create_task(reader.readline())
    closed = asyncio.create_task(writer.wait_closed())
    await asyncio.sleep(0)
    print("done %d %d" % (task.done(), closed.done()))
    writer.close()
    await attempt("line", task)
    await attempt("closed", closed)
    peer.close()


async def abort_while_reading():
    reader, writer, peer = await pair()
    peer.send(b"abc")
    task = asyncio.create_task(reader.readexactly(10))
    await asyncio.sleep(0.01)
    writer.transport.abort()
    await attempt("exactly", task)
    await attempt("closed", writer.wait_closed())
    peer.close()


async def many_drain():
    reader, writer, peer = await pair()
    writer.write(b"x" * 1000000)
    tasks = [asyncio.create_task(writer.drain()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    peer.setblocking(False)
    n = 0
    while n < 1000000:
        n += len(await asyncio.get_running_loop().sock_recv(peer, 65536))
    for task in tasks:
        await attempt("drain", task)
    writer.close()
    await attempt("closed", writer.wait_closed())
    peer.close()


async def main():
    await read_after_close()
    await close_while_reading()
    await abort_while_reading()
    await many_drain()


asyncio.run(main())
