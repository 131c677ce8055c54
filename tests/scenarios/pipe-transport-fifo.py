# area: pipe
# behaviour: FIFOs by name, sockets and a terminal; a regular file is refused; the descriptor can be asked for.
import asyncio
import os
import socket
import tempfile
import tty
from support.tracer import Tracer, read_pipe, write_pipe, turns


async def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fifo")
        os.mkfifo(path)
        r = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        a = Tracer("r")
        await read_pipe(a, r)
        await turns(3)
        print("nobody writes")
        w = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        b = Tracer("w")
        await write_pipe(b, w)
        print("fd", int(a.transport.get_extra_info("pipe").fileno() == r),
              int(b.transport.get_extra_info("pipe").fileno() == w))
        b.transport.write(b"through a fifo")
        await turns(3)
        b.transport.close()
        await a.lost

        file = os.open(os.path.join(folder, "file"), os.O_RDWR | os.O_CREAT, 0o600)
        for connect in (read_pipe, write_pipe):
            try:
                await connect(Tracer("file"), file)
            except Exception as exc:
                print("refused", type(exc).__name__)
        os.close(file)

    print("-- sockets")
    one, two = socket.socketpair()
    a, b = Tracer("r"), Tracer("w")
    await read_pipe(a, one.detach())
    await write_pipe(b, two.detach())
    b.transport.write(b"through a socket")
    await turns(3)
    a.transport.close()
    await b.lost

    print("-- packets")
    one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a = Tracer("r")
    await read_pipe(a, one.detach())
    two.send(b"first")
    two.send(b"second")
    two.close()
    await a.lost

    print("-- a peer that talks back")
    one, two = socket.socketpair()
    b = Tracer("w")
    await write_pipe(b, two.detach())
    one.send(b"?")
    await b.lost
    one.close()

    print("-- a terminal")
    master, slave = os.openpty()
    tty.setraw(slave, tty.TCSANOW)
    a, b = Tracer("master", data=lambda t: b.transport.close()), Tracer("slave")
    await read_pipe(a, master)
    await write_pipe(b, slave)
    b.transport.write(b"to the master")
    await a.lost


asyncio.run(main())
