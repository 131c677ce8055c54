# area: transport
# behaviour: Errors in pause_writing and resume_writing are reported, and the writing goes on.
import asyncio
from support.tracer import Tracer, connect, print_reports, receive, turns


def fail(t):
    raise ValueError("on purpose")


async def main():
    print_reports()
    a = Tracer("a", pause=fail, resume=fail)
    peer = await connect(a)
    a.transport.write(b"x" * 200000)
    n = 0
    while a.transport.get_write_buffer_size():
        n += len(receive(peer))
        await asyncio.sleep(0)
    a.transport.close()
    await turns(2)
    n += len(receive(peer))
    print("received", n)


asyncio.run(main())
