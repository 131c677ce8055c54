"""A protocol that prints what it is told, for the transport scenarios."""
import asyncio
import os
import re
import socket
import stat


def name_of(exc):
    return "none" if exc is None else type(exc).__name__


class Tracer(asyncio.Protocol):
    """Hooks are called with the tracer; eof's result is eof_received's."""

    def __init__(self, name, **hooks):
        self.name, self.hooks, self.n_bytes = name, hooks, 0
        self.quiet = False
        self.transport = None
        self.lost = asyncio.get_running_loop().create_future()

    def say(self, text):
        print(self.name, text)

    def run(self, hook):
        return self.hooks[hook](self) if hook in self.hooks else None

    def connection_made(self, transport):
        self.transport = transport
        self.say("made")
        self.run("made")

    def data_received(self, data):
        self.n_bytes += len(data)
        if not self.quiet:
            self.say("data " + data.decode())
        self.run("data")

    def eof_received(self):
        self.say("eof")
        return self.run("eof")

    def connection_lost(self, exc):
        self.say("lost " + name_of(exc))
        if not self.lost.done():
            self.lost.set_result(None)
        self.run("lost")

    def pause_writing(self):
        self.say("pause")
        self.run("pause")

    def resume_writing(self):
        self.say("resume")
        self.run("resume")


class BufferedTracer(Tracer, asyncio.BufferedProtocol):
    """The same, reading into a buffer of <size> bytes."""

    def __init__(self, name, size, **hooks):
        super().__init__(name, **hooks)
        self.buffer = bytearray(size)

    def get_buffer(self, sizehint):
        self.run("get_buffer")
        return self.buffer

    def buffer_updated(self, n):
        self.data_received(bytes(self.buffer[:n]))


async def connect(tracer):
    """A transport of <tracer>, and the plain other end of its socket."""
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ours.setblocking(False)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: tracer, sock=ours)
    return peer


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def receive(peer):
    """All that has come to <peer>."""
    data = b""
    try:
        while piece := peer.recv(65536):
            data += piece
    except (BlockingIOError, ConnectionResetError):
        pass
    return data


def print_reports():
    """Print what goes to the exception handler."""
    def handler(loop, context):
        message = re.sub(r"(callback) [\w.]*?_?(?:call_)?(connection_\w+)\(.*", r"\1 \2",
                         context["message"])
        print("report", message, name_of(context.get("exception")))
    asyncio.get_running_loop().set_exception_handler(handler)


async def read_pipe(tracer, fd):
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: tracer, open(fd, "rb", 0, closefd=closes(fd)))


async def write_pipe(tracer, fd):
    loop = asyncio.get_running_loop()
    await loop.connect_write_pipe(lambda: tracer, open(fd, "wb", 0, closefd=closes(fd)))


def closes(fd):
    """A refused file is closed by whoever opened it."""
    return not stat.S_ISREG(os.fstat(fd).st_mode)


async def connect_pipes(reader, writer):
    """The two ends of a pipe."""
    r, w = os.pipe()
    await read_pipe(reader, r)
    await write_pipe(writer, w)
    return reader, writer


def drain_pipe(fd):
    """How many bytes have come to a plain pipe."""
    n = 0
    try:
        while piece := os.read(fd, 65536):
            n += len(piece)
    except BlockingIOError:
        pass
    return n
