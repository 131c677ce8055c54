# area: transport
# behaviour: Callbacks see the context variables of whoever made the transport; what data_received sets stays for the next data, what connection_made sets does not.
import asyncio
import contextvars
from support.tracer import Tracer, connect, turns


var = contextvars.ContextVar("var", default="none")


def note(t):
    t.say("var " + var.get())


def note_and_set(text):
    def hook(t):
        note(t)
        var.set(text)
    return hook


async def main():
    var.set("maker")
    a = Tracer("a", made=note_and_set("made"), data=note_and_set("data"), eof=note, lost=note)
    peer = await connect(a)
    print("maker sees", var.get())
    var.set("later")
    peer.send(b"one")
    await turns(3)
    peer.send(b"two")
    await turns(3)
    peer.close()
    await turns(4)
    print("maker sees", var.get())


asyncio.run(main())
