# area: transport
# behaviour: close and abort inside connection_made, data_received and eof_received: connection_lost comes once, a turn later, and nothing after it.
import asyncio
from support.tracer import Tracer, connect, turns


def try_to_send(peer, data):
    try:
        peer.send(data)
    except BrokenPipeError:
        print("refused")


async def attempt(title, **hooks):
    print(title)
    a = Tracer("a", **hooks)
    peer = await connect(a)
    print("returned")
    try_to_send(peer, b"one")
    await turns(3)
    try_to_send(peer, b"two")
    peer.close()
    await turns(4)


async def main():
    close = lambda t: t.transport.close()
    abort = lambda t: t.transport.abort()
    await attempt("close in made", made=close)
    await attempt("abort in made", made=abort)
    await attempt("close in data", data=close)
    await attempt("abort in data", data=abort)
    await attempt("close in eof", eof=close)
    await attempt("abort in eof", eof=abort)
    await attempt("close in lost", lost=close)


asyncio.run(main())
